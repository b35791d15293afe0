package daily_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/daily"
	"entrechat/internal/room/vault/migrations"
)

// TestWorstOfEachDay: of a day the worst stays, a backup that had nothing off-site does
// not mark the whole day once it has, and what is too old is forgotten.
func TestWorstOfEachDay(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		start := core.At(time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC))
		first := daily.NumberOf(start)
		record := func(day int, hour time.Duration, age time.Duration, losses int) {
			t.Helper()
			at := start.Add(time.Duration(day)*24*time.Hour + hour)
			if err := daily.Record(t.Context(), d, at, age, losses); err != nil {
				t.Fatal(err)
			}
		}
		record(0, 0, -1, 2)
		record(0, time.Hour, time.Hour, 1)
		record(0, 2*time.Hour, 20*time.Minute, 2)
		record(2, 0, 25*time.Hour, 0)
		record(2, time.Hour, -1, -1)
		last := func(day, n int) []daily.Day {
			t.Helper()
			days, err := daily.Last(t.Context(), d, start.Add(time.Duration(day)*24*time.Hour), n)
			if err != nil {
				t.Fatal(err)
			}
			return days
		}
		want := []daily.Day{{first, time.Hour, 1}, {first + 2, -time.Second, -1}}
		if diff := cmp.Diff(want, last(2, 30)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(want[1:], last(2, 2)); diff != "" {
			t.Error(diff)
		}
		record(daily.Retained, 0, 0, 3)
		if diff := cmp.Diff([]daily.Day{want[1], {first + daily.Retained, 0, 3}}, last(daily.Retained, 1000)); diff != "" {
			t.Error(diff)
		}
	})
}
