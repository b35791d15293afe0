package alert

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/alert/delivery"
)

// line is how a node calls the others: it may be cut.
type line struct {
	from *node
	Calls
}

func (l line) JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error {
	if l.from.cut || l.from.town.nodes[to].cut {
		return core.Unsure("peer.unreachable", errors.New("the line is cut"))
	}
	return l.Calls.JSON(ctx, to, method, path, in, out)
}

// told is a town in which all know of an outage, and the owner's node told ana.
func told(t *testing.T) *town {
	t.Helper()
	tn := newTown(t, a, b, c, d)
	tn.nodes[a].addAna()
	ok(t, tn.nodes[a].PushPlans(t.Context()))
	tn.down(delivery.Down, "i1")
	tn.pass(5 * time.Second)
	if got := tn.kinds(); got != "down" {
		t.Fatalf("the owner: %q", got)
	}
	return tn
}

const d = core.MemberID("chaton-d.test")

func (tn *town) over(incident string) {
	tn.t.Helper()
	for _, id := range tn.order {
		if !tn.nodes[id].dead {
			ok(tn.t, tn.nodes[id].Resolve(tn.t.Context(), a, incident, core.At(tn.clock())))
		}
	}
}

// TestSilenceSaysNothing: a voter that was cut off when the owner told of a recovery, and when
// its own turn came, does not take silence for an answer.
func TestSilenceSaysNothing(t *testing.T) {
	tn := told(t)
	tn.over("i1")
	tn.nodes[b].cut = true
	tn.pass(5 * time.Minute)
	if got := tn.kinds(); got != "recovered" {
		t.Errorf("while one is cut off: %q", got)
	}
	tn.nodes[b].cut = false
	tn.pass(3 * time.Minute)
	if got := tn.kinds(); got != "" {
		t.Errorf("the one that was cut off: %q", got)
	}
	// Where everybody else is gone for good, it tells all the same.
	tn.down(delivery.Down, "i2")
	tn.pass(5 * time.Second)
	tn.kinds()
	tn.nodes[a].dead, tn.nodes[c].dead, tn.nodes[d].dead = true, true, true
	ok(t, tn.nodes[b].Resolve(t.Context(), a, "i2", core.At(tn.clock())))
	tn.pass(17 * time.Minute)
	if got := tn.kinds(); got != "recovered" {
		t.Errorf("the last one: %q", got)
	}
}

// TestWhoIsAtItIsWaitedFor: a voter whose turn comes while the owner's message is on its way
// sends none.
func TestWhoIsAtItIsWaitedFor(t *testing.T) {
	tn := told(t)
	tn.over("i1")
	tn.slow = func() {
		tn.slow = nil
		tn.mu.Lock()
		tn.at = tn.at.Add(25 * time.Second)
		tn.mu.Unlock()
		ok(t, tn.nodes[b].Deliver(t.Context()))
	}
	tn.pass(2 * time.Minute)
	if got := tn.kinds(); got != "recovered" {
		t.Errorf("told %q", got)
	}
}

// TestWhatAnotherHeard: the owner's node told of a recovery and died; the voter that did not
// hear it hears it from one that did.
func TestWhatAnotherHeard(t *testing.T) {
	tn := told(t)
	tn.over("i1")
	tn.nodes[b].cut = true
	tn.pass(10 * time.Second)
	tn.nodes[a].dead, tn.nodes[b].cut = true, false
	tn.pass(3 * time.Minute)
	if got := tn.kinds(); got != "recovered" {
		t.Errorf("told %q", got)
	}
}

// TestALiarAlone: a voter that says it told everybody, and that somebody looks after it,
// while the owner's node is dead, holds the others up for a while only.
func TestALiarAlone(t *testing.T) {
	tn := newTown(t, a, b, c, d)
	tn.nodes[a].addAna()
	ok(t, tn.nodes[a].Edit(t.Context(), func(p *contact.Plan) error {
		bob := p.People[0]
		bob.ID, bob.Name, bob.Quiet = "bob", "Bob", contact.Quiet{}
		p.People = append(p.People, bob)
		p.Rota.Shifts = []contact.Shift{{Person: "ana", Start: "2026-11-30T00:00", Minutes: 24 * 60, Rule: "FREQ=DAILY"}}
		return nil
	}))
	ok(t, tn.nodes[a].PushPlans(t.Context()))
	tn.nodes[a].dead, tn.nodes[b].dead = true, true // b only lies
	tn.down(delivery.Down, "i1")
	lie := func() {
		n := delivery.Notice{Owner: a, Incident: "i1", Kind: delivery.Down}
		for _, r := range []delivery.Receipt{
			{Person: "ana", Step: "oncall", State: "sent"},
			{Person: "bob", Step: "second", State: "sent"},
			{Person: "bob", Step: "team", State: "sent"},
			{Person: "ana", Step: "ack", State: "ack"},
			{Person: "bob", Step: "ack", State: "ack"},
		} {
			r.Owner, r.Key, r.At = a, n.Key(), core.At(tn.clock())
			for _, to := range []core.MemberID{c, d} {
				ok(t, tn.nodes[b].n.Calls.JSON(t.Context(), to, http.MethodPost, PathTold, r, nil))
			}
		}
	}
	for range 62 {
		lie()
		tn.pass(20 * time.Second)
		tn.at = tn.at.Add(10 * time.Second)
	}
	if got := tn.kinds(); got != "down" {
		t.Errorf("half an hour later ana is told %q", got)
	}
	for range 62 {
		lie()
		tn.pass(20 * time.Second)
		tn.at = tn.at.Add(10 * time.Second)
	}
	if got := tn.kinds(); got != "down" {
		t.Errorf("an hour later bob is told %q", got)
	}
}
