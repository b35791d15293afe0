package record

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/migrations"
)

// A clock that is years ahead for an hour, or years behind, deletes nothing, and what is found
// afterwards is read.
func TestClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 10 * 365 * 24 * time.Hour, -10 * 365 * 24 * time.Hour} {
		t.Run(fmt.Sprint(jump), func(t *testing.T) {
			c, rng := newClock(), rand.New(rand.NewPCG(1, 2))
			r := recorder(t, dbtest.SQLite(t, "watch", migrations.Files), c)
			const id = "00000000000000aa"
			looks := func(minutes int) (from, to core.Moment) {
				from = core.At(c.now())
				for minute := range minutes {
					r.Add(owner, id, found(rng, c.now()))
					c.pass(time.Minute)
					must(t, r.flush(t.Context()))
					if minute%10 == 5 {
						must(t, r.Archive(t.Context()))
						must(t, r.Forget(t.Context()))
					}
				}
				return from, core.At(c.now())
			}
			is := func(what string, from, to core.Moment, want int) {
				t.Helper()
				if all, err := r.Series(t.Context(), owner, id, from, to); err != nil || len(all) < want || len(all) > want+40 {
					t.Errorf("%s: %d looks, want %d (%v)", what, len(all), want, err)
				}
			}
			from, to := looks(180)
			c.pass(jump)
			looks(40)
			c.pass(-jump)
			again, end := looks(180)
			is("before", from, to, 180)
			is("after", again, end, 180)
			if last, ok, err := r.Latest(t.Context(), owner, id); err != nil || !ok || last.At > end || last.At < end.Add(-2*time.Minute) {
				t.Errorf("the newest is of %s (%v)", last.At.Time(), err)
			}
			if day, err := r.store.toMerge(t.Context(), hourOf(end)/24); err != nil || day > hourOf(end)/24+1 {
				t.Errorf("days are merged from %d on (%v)", day, err)
			}
		})
	}
}
