package delivery

import (
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/watch/alert/contact"
)

// TestSteady: who was told that something is unstable is told once that it stays well, when
// it was for an hour; not while it goes on falling, nor where newer trouble tells more.
func TestSteady(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", contact.Quiet{}))
		w.at = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
		over := func(incident string) {
			t.Helper()
			if err := w.q.Resolve(t.Context(), owner, incident, core.At(w.at)); err != nil {
				t.Fatal(err)
			}
		}
		pad := []string{"Pad"}
		w.put(Notice{Kind: Down, Services: pad})
		w.pass(time.Minute)
		over("i1")
		w.pass(time.Minute)
		w.expect("ana-mail Down", "ana-mail Back")
		w.put(Notice{Kind: Unstable, Services: pad})
		w.pass(time.Minute)
		w.expect("ana-mail Unstable")
		for range 3 {
			over("i1")
			w.pass(50 * time.Minute)
			w.put(Notice{Kind: Unstable, Services: pad})
			w.pass(20 * time.Minute)
		}
		over("i1")
		over("i1")
		w.pass(59 * time.Minute)
		w.expect()
		w.pass(2 * time.Minute)
		w.expect("ana-mail Stable again")
		w.put(Notice{Kind: Unstable, Services: pad})
		over("i1")
		w.pass(3 * time.Hour)
		w.expect()
		// It falls as an incident of its own before the hour is over.
		w.put(Notice{Kind: Unstable, Incident: "i2", Services: pad})
		w.pass(time.Minute)
		over("i2")
		w.pass(50 * time.Minute)
		w.put(Notice{Kind: Down, Incident: "i3", Services: pad})
		w.put(Notice{Kind: Down, Incident: "i4", Services: []string{"Wiki"}})
		w.pass(20 * time.Minute)
		w.expect("ana-mail Unstable", "ana-mail Down", "ana-mail Down")
		over("i3")
		w.pass(2 * time.Hour)
		w.expect("ana-mail Back")
	})
}
