package watch

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/exposition"
	"entrechat/internal/room/watch/migrations"
)

// Whoever asks for looks too often is refused before the database is asked anything, and
// what does not exist counts as well.
func TestLooksOnDemandAreChargedFirst(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		now := time.UnixMicro(1_800_000_000_000_000)
		on := &onDemand{Room: &Room{Needs: Needs{DB: d, Now: func() time.Time { return now }}}, rates: map[core.MemberID]*rate.Limiter{}}
		ask := func(from core.MemberID) error {
			_, err := on.answer(t.Context(), from, "00112233445566aa")
			return err
		}
		for range 20 {
			if err := ask("chaton-b.test"); core.CodeOf(err) != core.CodeNotFound {
				t.Fatal(err)
			}
		}
		if err := ask("chaton-c.test"); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("another member pays for it: %v", err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if err := ask("chaton-b.test"); keyOf(err) != "watch.now_often" {
			t.Errorf("the database was asked: %v", err)
		}
		now = now.Add(5 * time.Second)
		if err := ask("chaton-b.test"); err == nil || keyOf(err) == "watch.now_often" {
			t.Errorf("five seconds later: %v", err)
		}
	})
}

func keyOf(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return ""
}

// Notices of an Alertmanager are told apart whatever its fingerprints are: their names are
// not cut, and have room.
func TestNamesOfNotices(t *testing.T) {
	if name := noticeOf(exposition.Alert{ID: strings.Repeat("f", exposition.MaxID)}); len(name) > 64 {
		t.Errorf("%d bytes", len(name))
	}
}
