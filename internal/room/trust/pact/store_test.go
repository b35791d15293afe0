package pact

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/migrations"
	"entrechat/internal/room/trust/trusttest"
)

func TestStorePacts(t *testing.T) {
	dbtest.Each(t, "trust", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		o := Signed(t, nil)
		proposal := stored{ID: document.ID([]byte("1")), Peer: "b.test", Made: trusttest.Noon, Offer: Offer{Pact: o.Pact}}
		trusttest.OK(t, put(ctx, d, proposal))
		if n := trusttest.Must[int](t)(openProposals(ctx, d, "b.test")); n != 1 {
			t.Errorf("%d open", n)
		}
		full := proposal
		full.Offer, full.Signed = o, trusttest.Noon
		trusttest.OK(t, put(ctx, d, full))
		if diff := cmp.Diff(full, trusttest.Must[stored](t)(byID(ctx, d, full.ID))); diff != "" {
			t.Error(diff)
		}
		end := stored{ID: document.ID([]byte("2")), Made: trusttest.Noon, Closed: trusttest.Noon, ClosedBy: "a.test"}
		trusttest.OK(t, put(ctx, d, end))
		if list := trusttest.Must[[]stored](t)(all(ctx, d, "")); len(list) != 1 {
			t.Errorf("an end without a text is listed: %v", list)
		}
		for prefix, want := range map[string]int{full.ID: 1, full.ID[:4]: 1, "": 0, "%": 0, full.ID[:3]: 0, end.ID: 0} {
			if got := trusttest.Must[[]stored](t)(like(ctx, d, prefix)); len(got) != want {
				t.Errorf("%q finds %d", prefix, len(got))
			}
		}
		trusttest.OK(t, DropStale(ctx, d, trusttest.Noon.Add(day)))
		if _, err := byID(ctx, d, full.ID); err != nil {
			t.Error("a signed pact is forgotten")
		}
	})
}
