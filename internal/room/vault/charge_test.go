package vault

import (
	"testing"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/shard"
)

// What we expect a member to count is what it counts.
func TestUsedIsCharged(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		s, want := catalogue.New(d), int64(0)
		for i, length := range []int64{1, shard.Block - shard.HeadRoom, shard.Block - shard.HeadRoom + 1, 4 << 20} {
			p := catalogue.Placement{Object: shard.Hash{byte(i + 1)}, Member: "m.test", Length: length, State: catalogue.Stored}
			if err := s.Placements.Put(t.Context(), d, p); err != nil {
				t.Fatal(err)
			}
			want += catalogue.Cost(length)
		}
		used, err := s.Placements.Used(t.Context())
		if err != nil || used["m.test"] != want || want != 4<<20+(2+2+3+2)<<12 {
			t.Errorf("used %d, want %d, %v", used["m.test"], want, err)
		}
	})
	w := newWorld(t, 2)
	w.create("files")
	w.client("files", "").put("data", randomBytes(3000, 1))
	w.settled()
	for _, m := range w.members {
		page, err := w.room.n.Holder(m.id).List(t.Context(), owner, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		used, err := w.room.store.Placements.Used(t.Context())
		if err != nil || used[m.id] != page.Used || page.Used == 0 {
			t.Errorf("%s counts %d, we expect %d, %v", m.id, page.Used, used[m.id], err)
		}
	}
}
