package trust

import (
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/trust/pact"
	"entrechat/internal/room/trust/trusttest"
)

// What waits for a member that does not answer has not reached it: doctor says so from
// the first minute, and not that all is well until a day is over.
func TestWhatIsNotToldIsNotWell(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	w.befriend("a.test", "b.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	if f := trusttest.Must[fit.Finding](t)(a.checkWaiting(t.Context())); f.Unknown {
		t.Fatalf("%+v", f)
	}
	b.offline.Store(true)
	trusttest.Must[pact.Record](t)(a.Pacts.Propose(t.Context(), "b.test", pact.Terms{Give: []core.Grant{store(200)}}))
	w.wait(time.Hour)
	if f := trusttest.Must[fit.Finding](t)(a.checkWaiting(t.Context())); !f.Unknown || f.Args["Members"] != "b.test" {
		t.Fatalf("%+v", f)
	}
	w.wait(24 * time.Hour)
	if _, err := a.checkWaiting(t.Context()); keyOf(err) != "trust.waiting_long" {
		t.Fatal(err)
	}
	b.offline.Store(false)
	w.wait(24 * time.Hour)
	if f := trusttest.Must[fit.Finding](t)(a.checkWaiting(t.Context())); f.Unknown {
		t.Fatalf("%+v", f)
	}
}
