package vault

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/rest"
)

// A shard whose head was damaged is made again, and called repaired only when it was
// proved after that: not as long as its member damages what it signs for.
func TestRepairedIsReadBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	w.create("files")
	w.client("files", "").put(rest.Data, randomBytes(300_000, 9))
	w.settled()
	victim := w.members[2]
	victim.set(damaging)
	victim.spoilHeads()
	if _, err := w.room.upkeep.Check(t.Context(), "files"); err != nil {
		t.Fatal(err)
	}
	// The config and the keys lie there as well: all are sent again, and again.
	rounds := 3 * victim.spoilt.Load()
	w.eventually("its shards are sent again", func() bool { return victim.spoilt.Load() > rounds })
	over := func(t catalogue.Trouble) bool { return t.Over != 0 }
	troubles := func() []catalogue.Trouble {
		all, err := w.room.store.Troubles.Since(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(all, func(t catalogue.Trouble) bool { return t.Object == "" })
	}
	if all := troubles(); len(all) == 0 || slices.ContainsFunc(all, over) {
		t.Errorf("called repaired: %+v", all)
	}
	victim.set(honest)
	w.eventually("repaired", func() bool {
		all := troubles()
		return len(all) > 0 && !slices.ContainsFunc(all, func(t catalogue.Trouble) bool { return t.Over == 0 })
	})
	w.settled()
	seen, err := w.room.upkeep.Check(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range seen {
		if s.Lost+s.Wrong > 0 || s.Error != "" {
			t.Errorf("after the repair: %+v", s)
		}
	}
}

// A trouble is over when it is for everything it was about. What was made again is proved by
// `vault check`, and what was removed needs no repair.
func TestTroublesThatAreOver(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	body := randomBytes(30_000, 5)
	w.client("files", "").put(rest.Data, body)
	w.settled()
	o, err := w.room.store.Objects.File(t.Context(), "files", rest.Handle{Type: rest.Data, Name: nameOf(body)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	m := w.members[0].id
	older := catalogue.Trouble{Member: m, Kind: catalogue.TroubleLost, Object: o.ID.String(), Last: 1}
	newer := catalogue.Trouble{Member: m, Kind: catalogue.TroubleLost, Object: strings.Repeat("7", 64), Last: 2} // its file was removed
	for _, one := range []catalogue.Trouble{older, newer} {
		if err := w.room.store.Troubles.Add(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	says := func() string {
		all, err := w.room.store.Troubles.Since(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(troubleWords(w.room.n.Now(), printer(t), all), "\n")
	}
	const mended = "- mended"
	if got := says(); strings.Contains(got, mended) {
		t.Errorf("both go on: %s", got)
	}
	if err := w.room.store.Troubles.EndRemoved(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	if got := says(); strings.Contains(got, mended) || !strings.Contains(got, "2 times") {
		t.Errorf("one goes on: %s", got)
	}
	if _, err := w.room.upkeep.Check(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if got := says(); !strings.Contains(got, mended) {
		t.Errorf("both are over: %s", got)
	}
}

// A file that this disk damaged in the cache is brought back again from the members: at
// once where it shows when it is opened, for the next reader where it shows later.
func TestADamagedCacheIsReadAround(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	c := w.client("files", "")
	body := randomBytes(300_000, 7)
	path := c.put(rest.Data, body)
	w.settled()
	o, err := w.room.store.Objects.File(t.Context(), "files", rest.Handle{Type: rest.Data, Name: nameOf(body)}, 0)
	if err != nil || o.Local != "" {
		t.Fatalf("%+v, %v", o, err)
	}
	for what, off := range map[string]int{"head": 5, "stanza": 60, "first bytes": 1000, "middle": 150_000, "last byte": int(o.Sealed) - 1} {
		if status, got := c.do("GET", path, nil); status != 200 || !bytes.Equal(got, body) {
			t.Fatalf("before: status %d, %d bytes", status, len(got))
		}
		file := w.room.retrieve.Cache.Path(o.ID)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data[off] ^= 1
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if status, got := c.do("GET", path, nil); status == 200 && len(got) == len(body) && !bytes.Equal(got, body) {
			t.Errorf("%s: other bytes", what)
		}
		if status, got := c.do("GET", path, nil); status != 200 || !bytes.Equal(got, body) {
			t.Errorf("%s: it stays broken, status %d, %d bytes", what, status, len(got))
		}
	}
}

// A sector that a lender's disk does not read costs nothing: the lender gives the shard up,
// its owner hears it and sends the shard again, and the file is read back where the others
// are lost.
func TestASectorALenderCannotRead(t *testing.T) {
	w := newWorld(t, 4)
	w.create("files")
	c := w.client("files", "")
	body := randomBytes(300_000, 9)
	path := c.put(rest.Data, body)
	w.settled()
	o, err := w.room.store.Objects.File(t.Context(), "files", rest.Handle{Type: rest.Data, Name: nameOf(body)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	victim := w.members[2]
	shards := slices.DeleteFunc(victim.shardFiles(), func(f string) bool { return !strings.Contains(f, o.ID.String()) })
	if len(shards) != 1 {
		t.Fatalf("%d shards there", len(shards))
	}
	if err := victim.disk.Spoil(shards[0], 50_000); err != nil {
		t.Fatal(err)
	}
	victim.later.Add(int64(31 * 24 * time.Hour))
	if err := victim.local.Scrub(t.Context()); err == nil {
		t.Error("the scrub found nothing")
	}
	victim.later.Add(int64(time.Hour))
	if err := victim.local.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if seen := w.compared(false); seen.Seen[victim.id].Lost != 1 {
		t.Errorf("its owner did not hear it: %+v", seen.Checked())
	}
	w.settled()
	seen, err := w.room.upkeep.Check(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range seen {
		if s.Lost+s.Wrong > 0 || s.Error != "" || s.Want == 0 {
			t.Errorf("after the repair: %+v", s)
		}
	}
	if s := w.status("files"); s.Waiting > 0 || s.Losses < 1 {
		t.Errorf("%+v", s)
	}
	for i, m := range w.members {
		if m != victim && i < o.Code.N-o.Code.K+1 {
			m.set(away)
		}
	}
	w.room.retrieve.Cache.Clear()
	if status, got := c.do("GET", path, nil); status != 200 || !bytes.Equal(got, body) {
		t.Errorf("status %d, %d bytes", status, len(got))
	}
}
