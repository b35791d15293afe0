package member

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/trust/migrations"
	"entrechat/internal/room/trust/trusttest"
)

func TestStoreMembers(t *testing.T) {
	dbtest.Each(t, "trust", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		m := Member{Address: addressOf("a.test"), Standing: Added, Refused: true, Code: "C", Since: trusttest.Noon}
		trusttest.OK(t, Put(ctx, d, m))
		m.Refused, m.Code = false, ""
		trusttest.OK(t, Put(ctx, d, m))
		if diff := cmp.Diff(m, trusttest.Must[Member](t)(Find(ctx, d, "a.test"))); diff != "" {
			t.Error(diff)
		}
		if got := trusttest.Must[Member](t)(byRoot(ctx, d, m.Root)); got.ID() != "a.test" {
			t.Error(got)
		}
		if _, err := Find(ctx, d, "b.test"); core.CodeOf(err) != core.CodeNotFound {
			t.Error(err)
		}
		trusttest.OK(t, Drop(ctx, d, "a.test", Met)) // it is added, so nothing happens
		for i, id := range []core.MemberID{"old.test", "new.test"} {
			trusttest.OK(t, Put(ctx, d, Member{Address: addressOf(id), Standing: Asked, Since: trusttest.Noon * core.Moment(i)}))
		}
		trusttest.OK(t, DropAsked(ctx, d, trusttest.Noon))
		if list := trusttest.Must[[]Member](t)(asked(ctx, d)); len(list) != 1 || list[0].ID() != "new.test" {
			t.Errorf("asking: %v", list)
		}
		if list := trusttest.Must[[]Member](t)(All(ctx, d)); len(list) != 2 {
			t.Error(list)
		}
	})
}

func TestStoreInvites(t *testing.T) {
	dbtest.Each(t, "trust", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		trusttest.OK(t, putInvite(ctx, d, "h", trusttest.Noon.Add(day)))
		for _, c := range []struct {
			by   core.MemberID
			at   core.Moment
			want bool
		}{
			{"late.test", trusttest.Noon.Add(day), false},
			{"b.test", trusttest.Noon, true},
			{"b.test", trusttest.Noon, true}, // its answer was lost
			{"c.test", trusttest.Noon, false},
		} {
			if got := trusttest.Must[bool](t)(inviteGood(ctx, d, "h", c.by, c.at)); got != c.want {
				t.Errorf("%s at %d would find it good: %v", c.by, c.at-trusttest.Noon, got)
			}
			if got := trusttest.Must[bool](t)(useInvite(ctx, d, "h", c.by, c.at)); got != c.want {
				t.Errorf("%s at %d: %v", c.by, c.at-trusttest.Noon, got)
			}
		}
		if n := trusttest.Must[int](t)(DropInvites(ctx, d, trusttest.Noon)); n != 0 {
			t.Errorf("%d open", n)
		}
	})
}
