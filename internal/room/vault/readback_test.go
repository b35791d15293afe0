package vault

import (
	"slices"
	"testing"

	"entrechat/internal/room/vault/rest"
)

// A shard whose head was damaged is made again, and called repaired only when it was
// proved after that: not as long as its member damages what it signs for.
func TestRepairedIsReadBack(t *testing.T) {
	w := newWorld(t, 4)
	w.create("files")
	w.client("files", "").put(rest.Data, randomBytes(300_000, 9))
	w.settled()
	victim := w.members[2]
	victim.set(damaging)
	victim.spoilHeads()
	if _, err := w.room.Check(t.Context(), "files"); err != nil {
		t.Fatal(err)
	}
	// The config and the keys lie there as well: all are sent again, and again.
	rounds := 3 * victim.spoilt.Load()
	w.eventually("its shards are sent again", func() bool { return victim.spoilt.Load() > rounds })
	over := func(t Trouble) bool { return t.Over != 0 }
	troubles := func() []Trouble {
		all, err := w.room.store.troubles(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(all, func(t Trouble) bool { return t.Object == "" })
	}
	if all := troubles(); len(all) == 0 || slices.ContainsFunc(all, over) {
		t.Errorf("called repaired: %+v", all)
	}
	victim.set(honest)
	w.eventually("repaired", func() bool {
		all := troubles()
		return len(all) > 0 && !slices.ContainsFunc(all, func(t Trouble) bool { return t.Over == 0 })
	})
	w.settled()
	seen, err := w.room.Check(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range seen {
		if s.Lost+s.Wrong > 0 || s.Error != "" {
			t.Errorf("after the repair: %+v", s)
		}
	}
}
