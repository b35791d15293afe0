package alert

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/alert/delivery"
)

// without has a node find no way to any of its people: it has no settings, and reaches no
// address beyond this machine's own network.
func (n *node) without() {
	n.Service = New(Needs{
		DB: n.n.DB, Signer: n.n.Signer, Calls: n.n.Calls, Watch: n, Channels: channel.Needs{Timeout: 2 * time.Second}, Words: n.n.Words,
		URL: n.n.URL, Now: n.n.Now, Log: n.n.Log,
	})
}

// TestMembersTellWhatTheOwnerCannot: what only the owner knows, and none of its channels
// takes, is told by one of its voters, once, with its end.
func TestMembersTellWhatTheOwnerCannot(t *testing.T) {
	tn := newTown(t, a, b, c)
	n := tn.nodes[a]
	n.addAna()
	ok(t, n.PushPlans(t.Context()))
	ends := core.At(tn.clock()).Add(14 * day)
	certificate := delivery.Notice{Owner: a, Incident: "cert-1-14", Kind: delivery.Certificate, Services: []string{"Pad"}, At: core.At(tn.clock()), Ends: ends}
	// While a channel of ours takes it nobody else is asked.
	ok(t, n.Tell(t.Context(), certificate))
	tn.pass(10 * time.Second)
	ok(t, hander{n.Service}.run(t.Context()))
	if got := tn.kinds(); got != "certificate" || len(n.hands.done) != 0 {
		t.Fatalf("%q, handed %v", got, n.hands.done)
	}
	n.without()
	certificate.Incident = "cert-2-14"
	ok(t, n.Tell(t.Context(), certificate))
	ok(t, n.Tell(t.Context(), delivery.Notice{Owner: a, Incident: "s1", Kind: delivery.Silent, Services: []string{"Dump"}, At: core.At(tn.clock())}))
	tn.nodes[b].dead = true // the second voter will do
	tn.pass(30 * time.Second)
	if got := tn.kinds(); got != "" {
		t.Fatalf("not handed over, and told: %q", got)
	}
	for range 3 { // a job runs more than once
		ok(t, hander{n.Service}.run(t.Context()))
	}
	tn.nodes[b].dead = false
	ok(t, hander{n.Service}.run(t.Context()))
	tn.pass(2 * time.Minute)
	if got := tn.kinds(); got != "certificate silent" && got != "silent certificate" {
		t.Errorf("handed over: %q", got)
	}
	// It was told, and who has it is not asked again.
	before := len(n.hands.done)
	tn.pass(5 * time.Minute)
	ok(t, hander{n.Service}.run(t.Context()))
	if got := tn.kinds(); got != "" || len(n.hands.done) > before {
		t.Errorf("told again: %q, %v", got, n.hands.done)
	}
	// Its end is told by the same way.
	ok(t, n.Resolve(t.Context(), a, "s1", core.At(tn.clock())))
	tn.pass(30 * time.Second)
	ok(t, hander{n.Service}.run(t.Context()))
	tn.pass(2 * time.Minute)
	if got := tn.kinds(); got != "recovered" {
		t.Errorf("its end: %q", got)
	}
}

func TestHandedOverIsBounded(t *testing.T) {
	tn := newTown(t, a, b)
	tn.nodes[a].addAna()
	ok(t, tn.nodes[a].PushPlans(t.Context()))
	now := core.At(tn.clock())
	hand := func(h handed) error {
		return tn.nodes[a].n.Calls.JSON(t.Context(), b, http.MethodPost, PathNotice, h, nil)
	}
	good := handed{Incident: "i", Kind: delivery.Down, Level: contact.Notify, Services: []string{"Pad"}, At: now}
	for name, change := range map[string]func(*handed){
		"isolated":              func(h *handed) { h.Kind = delivery.Isolated },
		"another's backup":      func(h *handed) { h.Kind = delivery.Backup },
		"no such kind":          func(h *handed) { h.Kind = "free" },
		"no level":              func(h *handed) { h.Level = "" },
		"of the future":         func(h *handed) { h.At = now.Add(time.Hour) },
		"old":                   func(h *handed) { h.At = now.Add(-49 * time.Hour) },
		"over, and goes on":     func(h *handed) { h.Over = now },
		"recovered at no time":  func(h *handed) { h.Kind = delivery.Recovered },
		"certificate, no end":   func(h *handed) { h.Kind = delivery.Certificate },
		"no incident":           func(h *handed) { h.Incident = "" },
		"an incident of a line": func(h *handed) { h.Incident = "i\r\nBcc: x" },
		"a long incident":       func(h *handed) { h.Incident = strings.Repeat("i", 65) },
	} {
		h := good
		change(&h)
		if err := hand(h); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	tn.serves[string(b)+" "+string(a)] = false
	if err := hand(good); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("without a promise: %v", err)
	}
	tn.serves[string(b)+" "+string(a)] = true
	full := func() (taken int) {
		for i := range 30 {
			h := good
			h.Incident = "more-" + string(rune('a'+i))
			if hand(h) == nil {
				taken++
			}
		}
		return taken
	}
	if n := full(); n > handedAtOnce {
		t.Errorf("%d at once", n)
	}
	tn.mu.Lock()
	tn.at = tn.at.Add(2*time.Hour + time.Second)
	tn.mu.Unlock()
	if n := full(); n != 2 {
		t.Errorf("%d after two hours", n)
	}
}
