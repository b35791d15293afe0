package collective

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/fact"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/migrations"
	"entrechat/internal/room/trust/trusttest"
)

func TestStoreCharters(t *testing.T) {
	dbtest.Each(t, "trust", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		id, doc, err := document.Sign(CharterType, Charter{V: 1, Name: "n"}, trusttest.SignerOf("a.test"))
		trusttest.OK(t, err)
		row := charterRow{ID: id, Doc: doc}
		trusttest.OK(t, putCharter(ctx, d, row, trusttest.Noon))
		trusttest.OK(t, putCharter(ctx, d, row, trusttest.Noon))
		if diff := cmp.Diff([]charterRow{row}, trusttest.Must[[]charterRow](t)(charters(ctx, d))); diff != "" {
			t.Error(diff)
		}
		if _, err := charterByID(ctx, d, "x"); core.CodeOf(err) != core.CodeNotFound {
			t.Error(err)
		}
	})
}

// Whatever admission depends on moves the revision when it is written.
func TestStoreMovesTheRevision(t *testing.T) {
	dbtest.Each(t, "trust", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		before := int64(0)
		moves := func(what string, err error) {
			t.Helper()
			n, failed := fact.Revision(ctx, d)
			if err != nil || failed != nil || n <= before {
				t.Errorf("%s: %d after %d: %v %v", what, n, before, err, failed)
			}
			before = n
		}
		_, doc, err := document.Sign(CharterType, Charter{V: 1, Name: "n"}, trusttest.SignerOf("a.test"))
		trusttest.OK(t, err)
		moves("charter", putCharter(ctx, d, charterRow{"x", doc}, trusttest.Noon))
		moves("join", putJoin(ctx, d, join{"a.test", "x"}, trusttest.Noon, 1))
		moves("leave", dropJoin(ctx, d, join{"a.test", "x"}))
		moves("member", member.Put(ctx, d, member.Member{Address: addressOf("a.test"), Standing: member.Met}))
		moves("member dropped", member.Drop(ctx, d, "a.test", member.Met))
		moves("vouch", member.PutVouch(ctx, d, member.Vouch{By: "a.test", For: addressOf("b.test")}, 2))
		moves("vouch taken back", member.DropVouch(ctx, d, "a.test", "b.test"))
		moves("cut", fact.Rewind(ctx, d, fact.Place{Log: "a.test", Index: 1}))
	})
}
