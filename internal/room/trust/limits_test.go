package trust

import (
	"context"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/pact"
	"entrechat/internal/room/trust/trusttest"
)

// What both say today that they cannot do stands in the pact, unless the card says it.
func TestPactsNameLimits(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	w.befriend("a.test", "b.test")
	says := func(lines ...string) func(context.Context) ([]string, error) {
		return func(context.Context) ([]string, error) { return lines, nil }
	}
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	a.Pacts.Limits, b.Pacts.Limits = says("No night shift", "Back by noon"), says(strings.Repeat("x", document.MaxProse), "No weekends")
	h, err := a.Pacts.Propose(t.Context(), "b.test", pact.Terms{Give: []core.Grant{store(200)}, Ask: []core.Grant{store(100)}})
	trusttest.OK(t, err)
	_, err = b.Pacts.Accept(t.Context(), h.ID, pact.Card{})
	trusttest.OK(t, err)
	h, err = a.Pacts.Get(t.Context(), h.ID)
	trusttest.OK(t, err)
	if ours, theirs := h.CardOf("a.test").Limits, h.CardOf("b.test").Limits; ours != "No night shift\nBack by noon" || theirs != "No weekends" {
		t.Errorf("limits: %q, %q", ours, theirs)
	}
	h, err = a.Pacts.Propose(t.Context(), "b.test", pact.Terms{Give: []core.Grant{store(200)}, Ask: []core.Grant{store(100)}, Card: pact.Card{Limits: "No August"}})
	trusttest.OK(t, err)
	if got := h.CardOf("a.test").Limits; got != "No August" {
		t.Errorf("limits: %q", got)
	}
}
