package lending

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob/blobtest"
	"entrechat/internal/room/vault/holder"
)

// sectors has bo's store lie on a disk that may have bad sectors.
func (w *world) sectors() *blobtest.Disk {
	d := &blobtest.Disk{Dir: w.dir}
	w.store.disk.opens = d.Open
	return d
}

func (w *world) pathOf(o thing) string {
	return filepath.Join(w.path, filepath.FromSlash(fileOf(holder.RefOf(o.heads[0].Header))))
}

// listed says how many shards of ana's bo says to have.
func (w *world) listed() int {
	w.t.Helper()
	page, err := w.store.For(ana).List(w.t.Context(), ana, "", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(page.Shards)
}

// A shard that the disk does not read, whoever finds it, is given up like a damaged one
// when it is not read ten minutes later either, and never before; its owner hears that it
// is gone, and what it sends replaces the file.
func TestBadSector(t *testing.T) {
	finders := map[string]func(*testing.T, *world, thing) error{
		"scrub": func(t *testing.T, w *world, _ thing) error {
			w.pass(scrubEvery + time.Hour)
			return w.store.Scrub(t.Context())
		},
		"audit": func(t *testing.T, w *world, o thing) error {
			_, err := w.over(ana).Audit(t.Context(), holder.RefOf(o.heads[0].Header), 4*holder.Group-1)
			return err
		},
		"read": func(t *testing.T, w *world, o thing) error {
			_, err := read(t.Context(), w.over(ana), holder.RefOf(o.heads[0].Header))
			return err
		},
		"sent again": func(t *testing.T, w *world, o thing) error {
			_, err := o.put(t.Context(), w.over(ana), 0)
			return err
		},
	}
	for how, find := range finders {
		for where, from := range map[string]int64{"head": 0, "data": 3 * holder.Group} {
			t.Run(how+"/"+where, func(t *testing.T) {
				w := sqliteWorld(t)
				disk, o := w.sectors(), w.newThing(1, 8*holder.Group)
				for seed := range uint64(3) {
					w.mustPut(w.store.For(ana), w.newThing(seed+1, 8*holder.Group), 0)
				}
				if err := disk.Spoil(w.pathOf(o), from); err != nil {
					t.Fatal(err)
				}
				err := find(t, w, o)
				if code := core.CodeOf(err); err == nil || code == core.CodeNotFound || code == core.CodeInvalid || w.listed() != 3 {
					t.Fatalf("a verdict at the first try: %v, %d listed", err, w.listed())
				}
				// Not by a second look at once, however many.
				for range 2 {
					_ = w.store.Scrub(t.Context())
				}
				if w.listed() != 3 {
					t.Fatal("given up within ten minutes")
				}
				w.pass(unreadFor + time.Second)
				if err := w.store.Scrub(t.Context()); err != nil {
					t.Errorf("after the verdict the scrub says %v", err)
				}
				if w.listed() != 2 {
					t.Fatal("still listed")
				}
				_, err = w.over(ana).Audit(t.Context(), holder.RefOf(o.heads[0].Header), 4*holder.Group-1)
				wants(t, "audit", err, core.CodeNotFound, "vault.shard_broken")
				if _, err := o.put(t.Context(), w.over(ana), 0); err != nil {
					t.Fatal(err)
				}
				want := append(bytes.Clone(o.heads[0].Bytes()), o.data[0]...)
				if got, err := os.ReadFile(w.pathOf(o)); err != nil || !bytes.Equal(got, want) || w.listed() != 3 {
					t.Errorf("sent again: %d bytes, %d listed, %v", len(got), w.listed(), err)
				}
				if got, err := read(t.Context(), w.over(ana), holder.RefOf(o.heads[0].Header)); err != nil || !bytes.Equal(got, o.data[0]) {
					t.Errorf("read again: %d bytes, %v", len(got), err)
				}
				w.pass(scrubEvery + time.Hour)
				if err := w.store.Scrub(t.Context()); err != nil || w.listed() != 3 {
					t.Errorf("a month later: %v, %d listed", err, w.listed())
				}
			})
		}
	}
}

// A disk that does not answer as a whole condemns nothing, however long: nothing is read,
// most is not, what can be read is in memory and nothing can be written, or nobody knows.
func TestDiskThatIsAwayCondemnsNothing(t *testing.T) {
	const all = 6
	for what, c := range map[string]struct {
		bad     int
		of      int
		noWrite bool
	}{
		"nothing is read": {bad: all, of: all}, "most is not": {bad: 4, of: all},
		"one is not, and nothing is written": {bad: 1, of: all, noWrite: true}, "the only one": {bad: 1, of: 1},
	} {
		t.Run(what, func(t *testing.T) {
			w := sqliteWorld(t)
			disk := w.sectors()
			for seed := range uint64(c.of) {
				o := w.newThing(seed, 8*holder.Group)
				w.mustPut(w.store.For(ana), o, 0)
				if int(seed) < c.bad {
					if err := disk.Spoil(w.pathOf(o), 0); err != nil {
						t.Fatal(err)
					}
				}
			}
			if c.noWrite {
				if err := os.WriteFile(filepath.Join(w.path, trash), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			w.pass(scrubEvery + time.Hour)
			for range 4 {
				if err := w.store.Scrub(t.Context()); err == nil || !strings.Contains(err.Error(), "input/output") {
					t.Errorf("the scrub says %v", err)
				}
				w.pass(time.Hour)
			}
			if n := w.listed(); n != c.of {
				t.Errorf("%d of %d are left", n, c.of)
			}
			disk.Repair()
			if err := w.store.Scrub(t.Context()); err != nil || w.listed() != c.of {
				t.Errorf("back again: %v, %d listed", err, w.listed())
			}
			if c.noWrite {
				return
			}
			// What was in doubt then is not half condemned now.
			if err := disk.Spoil(w.pathOf(w.newThing(0, 8*holder.Group)), 0); err != nil {
				t.Fatal(err)
			}
			w.pass(scrubEvery + time.Hour)
			if _ = w.store.Scrub(t.Context()); w.listed() != c.of {
				t.Error("given up at the first try")
			}
		})
	}
}
