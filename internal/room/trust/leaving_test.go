package trust

import (
	"slices"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/task"
	"entrechat/internal/room/trust/trusttest"
)

// Who promised us room and is no lender any more is told, and until when.
func TestLeaving(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	w.befriend("a.test", "b.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	wants := func(when string, want ...core.Leaver) {
		t.Helper()
		if got := trusttest.Must[[]core.Leaver](t)(a.Leaving(t.Context(), trusttest.KindStore)); !slices.Equal(got, want) {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
	}
	wants("before any pact")
	h := w.agree("a.test", "b.test")
	wants("in force")
	a.suspend("b.test", trusttest.Noon)
	wants("suspended", core.Leaver{ID: "b.test"})
	a.suspend("b.test", 0)
	trusttest.OK(t, a.Members.Refuse(t.Context(), "b.test", true))
	wants("refused", core.Leaver{ID: "b.test"})
	trusttest.OK(t, a.Members.Refuse(t.Context(), "b.test", false))
	_, err := b.Pacts.Close(t.Context(), h.ID)
	trusttest.OK(t, err)
	until := a.now().Add(90 * day)
	wants("under notice", core.Leaver{ID: "b.test", Until: until})
	w.wait(90 * day)
	wants("over", core.Leaver{ID: "b.test", Until: until})
	trusttest.OK(t, task.Put(t.Context(), a.DB, task.Task{Kind: task.GetPact, Subject: "x", Peer: "b.test", Made: a.now()}))
	wants("another may still come back")
	trusttest.OK(t, task.Drop(t.Context(), a.DB, task.Task{Kind: task.GetPact, Subject: "x"}))
	w.agree("a.test", "b.test")
	wants("signed anew")
}
