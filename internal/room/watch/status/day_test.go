package status_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/verdict"
)

func states() []verdict.State {
	return []verdict.State{verdict.Unknown, verdict.Up, verdict.Partial, verdict.Down}
}

// intervals draws a row that is sorted, does not overlap, and has gaps.
func intervals(t *rapid.T, from core.Moment) []status.Interval {
	at, out := from.Add(-time.Hour), []status.Interval(nil)
	for range rapid.IntRange(0, 30).Draw(t, "n") {
		begin := at.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Hour)).Draw(t, "gap")))
		at = begin.Add(time.Duration(rapid.Int64Range(1, int64(60*time.Hour)).Draw(t, "length")))
		out = append(out, status.Interval{From: begin, To: at, State: rapid.SampledFrom(states()).Draw(t, "state"), Maint: rapid.Bool().Draw(t, "maint")})
	}
	return out
}

// TestDaysAddUp: in every zone, over changes of the clock, the parts of all days together
// are the time between, no day is missing, and what nobody knows is never up.
func TestDaysAddUp(t *testing.T) {
	zones := []*time.Location{time.UTC}
	for _, name := range []string{"Europe/Paris", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, zone)
	}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		from := core.At(time.Unix(rapid.Int64Range(1_200_000_000, 1_900_000_000).Draw(t, "from"), 0))
		to := from.Add(time.Duration(rapid.Int64Range(1, 100*24*3600).Draw(t, "seconds")) * time.Second)
		row := intervals(t, from)
		var all, up int64
		date := ""
		for _, d := range status.DaysOf(row, from, to, zone) {
			for _, part := range []int64{d.Up, d.Partial, d.Down, d.Maint, d.Unknown} {
				if part < 0 {
					t.Fatalf("%+v", d)
				}
			}
			if d.Date <= date {
				t.Fatalf("%s after %s", d.Date, date)
			}
			date, all, up = d.Date, all+d.Total(), up+d.Up
		}
		if want := int64(to.Sub(from) / time.Second); all != want {
			t.Fatalf("the days have %d s of %d", all, want)
		}
		known := int64(0)
		for _, i := range row {
			if i.State == verdict.Up {
				known += int64(max(min(i.To, to)/1e6-max(i.From, from)/1e6, 0))
			}
		}
		if up != known {
			t.Fatalf("%d s up, %d were", up, known)
		}
		if p := status.PartsOf(row, from, to); p.Total() != all || p.Up != up {
			t.Fatalf("%+v at once", p)
		}
	})
}

// TestMergeIsTheWorst: at each moment a service is as its worst target; a target that
// nobody knows about makes no service well.
func TestMergeIsTheWorst(t *testing.T) {
	at := func(row []status.Interval, m core.Moment) verdict.State {
		for _, i := range row {
			if i.From <= m && m < i.To {
				return i.State
			}
		}
		return verdict.Unknown
	}
	rapid.Check(t, func(t *rapid.T) {
		from := core.At(time.Unix(1_800_000_000, 0))
		to := from.Add(50 * 24 * time.Hour)
		rows := [][]status.Interval{intervals(t, from), intervals(t, from), intervals(t, from)}[:rapid.IntRange(1, 3).Draw(t, "rows")]
		merged := status.Merge(from, to, rows...)
		last := from
		for _, i := range merged {
			if i.From != last || i.To <= i.From {
				t.Fatalf("a gap at %d in %v", last, merged)
			}
			last = i.To
		}
		if last != to {
			t.Fatalf("ends at %d", last)
		}
		for range 20 {
			m := from.Add(time.Duration(rapid.Int64Range(0, int64(50*24*time.Hour)-1).Draw(t, "at")))
			one := make([]verdict.State, len(rows))
			for i, row := range rows {
				one[i] = at(row, m)
			}
			if got, want := at(merged, m), status.Worst(one...); got != want {
				t.Fatalf("%q of %q, not %q", got, one, want)
			}
		}
	})
	if status.Worst() != verdict.Unknown || status.Worst(verdict.Up, verdict.Unknown) != verdict.Unknown || status.Worst(verdict.Down, verdict.Unknown) != verdict.Down {
		t.Error("what nobody knows is shown as known")
	}
}

// TestMaintenanceCountsAbsence: in announced maintenance only what was away counts as it.
func TestMaintenanceCountsAbsence(t *testing.T) {
	from := core.At(time.Unix(1_800_000_000, 0))
	at := func(s int) core.Moment { return from.Add(time.Duration(s) * time.Second) }
	var row []status.Interval
	for i, s := range states() {
		row = append(row, status.Interval{From: at(10 * i), To: at(10*i + 10), State: s, Maint: true})
	}
	if got := status.PartsOf(row, from, at(50)); got != (status.Parts{Up: 10, Maint: 20, Unknown: 20}) {
		t.Errorf("%+v", got)
	}
}
