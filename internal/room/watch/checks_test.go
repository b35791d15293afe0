package watch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/target"
)

// silentBook takes entries and tells nobody.
type silentBook struct{}

func (silentBook) Append(context.Context, string, []core.MemberID, core.Moment, any) (logbook.Entry, error) {
	return logbook.Entry{}, nil
}

// Doctor names a target that nobody looks at because its row is damaged.
func TestDoctorNamesDamagedTargets(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		own := target.New(target.Needs{DB: d, Book: silentBook{}, Self: "chaton-a.test", Now: time.Now})
		it, err := own.Add(t.Context(), target.Target{Service: "Pad", Kind: target.HTTP, Address: "https://pad.chaton-a.test/"})
		if err != nil {
			t.Fatal(err)
		}
		r := doctor{&Room{Needs: Needs{DB: d}}}
		if err := r.damaged(t.Context()); err != nil {
			t.Errorf("all is sound: %v", err)
		}
		if _, err := db.Exec(t.Context(), d, `UPDATE watch_target SET expect = $1 WHERE id = $2`, `;}`, it.ID); err != nil {
			t.Fatal(err)
		}
		_, err = r.checkLooks(t.Context())
		e, ok := errors.AsType[*core.Error](err)
		if !ok || e.Key != "watch.check_damaged" || !strings.Contains(fmt.Sprint(e.Args["Targets"]), it.ID) {
			t.Errorf("%v", err)
		}
	})
}
