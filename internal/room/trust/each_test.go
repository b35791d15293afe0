package trust

import (
	"reflect"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/trusttest"
)

// eachIsMay holds MayEach against May, about everybody a node could be asked of.
func (n *node) eachIsMay(t *testing.T, when string) {
	t.Helper()
	ids := []core.MemberID{"a.test", "b.test", "c.test", "d.test", "stranger.test"}
	for _, kind := range []core.GrantKind{trusttest.KindStore, trusttest.KindLogin, "nothing"} {
		all := trusttest.Must[map[core.MemberID]core.Allowance](t)(n.MayEach(t.Context(), ids, kind))
		for _, id := range ids {
			want, err := n.May(t.Context(), id, kind)
			got, some := all[id]
			if some != (err == nil) || !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s to %s: %+v, not %+v, %v", when, kind, id, got, want, err)
			}
		}
	}
}

func TestMayEachIsMay(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "c.test", "d.test")
	w.befriend("a.test", "b.test")
	w.befriend("a.test", "c.test")
	w.befriend("b.test", "d.test")
	h := w.agree("a.test", "b.test")
	a := w.nodes["a.test"]
	a.eachIsMay(t, "a pact")
	a.suspend("b.test", trusttest.Noon)
	a.eachIsMay(t, "suspended")
	a.suspend("b.test", 0)
	trusttest.OK(t, a.Members.Refuse(t.Context(), "b.test", true))
	a.eachIsMay(t, "refused")
	trusttest.OK(t, a.Members.Refuse(t.Context(), "b.test", false))
	_, err := a.Pacts.Close(t.Context(), h.ID)
	trusttest.OK(t, err)
	a.eachIsMay(t, "under notice")
	w.wait(91 * 24 * time.Hour)
	a.eachIsMay(t, "ended")
}
