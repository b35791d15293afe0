package collective

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/trust/fact"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/migrations"
	"entrechat/internal/room/trust/trusttest"
)

func TestStoreFacts(t *testing.T) {
	dbtest.Each(t, "trust", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		see := func(idx int64, hash string) bool {
			t.Helper()
			return trusttest.Must[bool](t)(fact.Note(ctx, d, fact.Place{Log: "a.test", Index: idx, Hash: hash}))
		}
		if !see(0, "x") || see(0, "x") || !see(2, "y") || see(0, "x") {
			t.Error("an entry is taken in twice, or not at all")
		}
		v := member.Vouch{By: "a.test", For: addressOf("b.test"), Since: trusttest.Noon}
		trusttest.OK(t, member.PutVouch(ctx, d, v, 2))
		trusttest.OK(t, member.PutVouch(ctx, d, v, 2))
		trusttest.OK(t, member.PutVouch(ctx, d, member.Vouch{By: "b.test", For: addressOf("a.test"), Since: trusttest.Noon}, 2))
		if diff := cmp.Diff([]member.Vouch{v}, trusttest.Must[[]member.Vouch](t)(member.VouchesBy(ctx, d, "a.test"))); diff != "" {
			t.Error(diff)
		}
		trusttest.OK(t, putJoin(ctx, d, join{"a.test", "c"}, trusttest.Noon, 1))
		trusttest.OK(t, putJoin(ctx, d, join{"a.test", "c"}, trusttest.Noon, 1))
		trusttest.OK(t, putJoin(ctx, d, join{"a.test", "d"}, trusttest.Noon, 2))
		trusttest.OK(t, dropJoin(ctx, d, join{"a.test", "d"}))
		if diff := cmp.Diff([]join{{"a.test", "c"}}, trusttest.Must[[]join](t)(joins(ctx, d))); diff != "" {
			t.Error(diff)
		}
		// A revoked key's entries are cut off: another entry stands in place 2.
		if !see(2, "z") {
			t.Error("the entry after a cut is not taken in")
		}
		if left := trusttest.Must[[]member.Vouch](t)(member.VouchesBy(ctx, d, "a.test")); len(left) != 0 {
			t.Errorf("a vouch that was cut off: %v", left)
		}
		if left := trusttest.Must[[]join](t)(joinsBy(ctx, d, "a.test")); len(left) != 1 {
			t.Errorf("a join before the cut: %v", left)
		}
		trusttest.OK(t, fact.Forget(ctx, d, "a.test"))
		if left := trusttest.Must[[]member.Vouch](t)(member.Vouches(ctx, d)); len(left) != 1 || left[0].By != "b.test" {
			t.Error(left)
		}
	})
}
