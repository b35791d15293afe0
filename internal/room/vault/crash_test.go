package vault

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/encoding"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/rest"
)

// Wherever the node dies between a file's arrival and its last shard, the next
// start goes on from there, nothing acknowledged is lost and nothing is left over.
func TestEveryCrashPoint(t *testing.T) {
	t.Parallel()
	body := randomBytes(400_000, 1)
	h := rest.Handle{Type: rest.Data, Name: nameOf(body)}
	for name, crash := range map[string]func(t *testing.T, w *world) (acknowledged bool){
		"file written, no row": func(t *testing.T, w *world) bool {
			s, err := w.room.shipping.Seal(t.Context(), "files", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			old := time.Now().Add(-2 * recovery.OrphanAge)
			if err := os.Chtimes(filepath.Join(w.dir, "vault", "shelf", s.Local), old, old); err != nil {
				t.Fatal(err)
			}
			return false
		},
		"row written, nothing sent": func(t *testing.T, w *world) bool {
			w.accept(h, body)
			return true
		},
		"some shards sent, no receipt written": func(t *testing.T, w *world) bool {
			o := w.accept(h, body)
			w.sendSome(o, 3, false)
			return true
		},
		"some shards sent, no receipt written, and members gone since": func(t *testing.T, w *world) bool {
			o := w.accept(h, body)
			// Two that have a shard go: who is left takes the sixth.
			gone := w.sendSome(o, 5, false)[:2]
			w.mu.Lock()
			w.lent = slices.DeleteFunc(w.lent, func(l core.Lender) bool { return slices.Contains(gone, l.ID) })
			w.mu.Unlock()
			return true
		},
		"some receipts written": func(t *testing.T, w *world) bool {
			o := w.accept(h, body)
			w.sendSome(o, 3, true)
			return true
		},
		"all placed, still in the local store": func(t *testing.T, w *world) bool {
			o := w.accept(h, body)
			w.sendSome(o, 6, true)
			if err := w.room.store.Queue.SetState(t.Context(), w.room.n.DB, o.ID, catalogue.Placed, 1); err != nil {
				t.Fatal(err)
			}
			return true
		},
		"removed, still in the local store": func(t *testing.T, w *world) bool {
			o := w.accept(h, body)
			if err := w.room.store.Objects.Delete(t.Context(), o.ID, core.At(time.Now())); err != nil {
				t.Fatal(err)
			}
			return false
		},
		"the disk lost the file": func(t *testing.T, w *world) bool {
			o := w.accept(h, body)
			if err := w.room.local.Remove(o.Local); err != nil {
				t.Fatal(err)
			}
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 6)
			w.t, w.recodeAfter = t, 1
			w.create("files")
			w.settled()
			w.stop() // no job runs while the crash is laid out
			w.open()
			acknowledged := crash(t, w)
			if err := w.room.n.DB.Close(); err != nil {
				t.Fatal(err)
			}
			w.start()
			c := w.client("files", "")
			if acknowledged {
				w.settled()
				if status, got := c.do("GET", "/"+h.String(), nil); status != 200 || !bytes.Equal(got, body) {
					t.Fatalf("lost: %d", status)
				}
			} else if status, _ := c.do("GET", "/"+h.String(), nil); status != 404 {
				t.Errorf("there: %d", status)
			}
			c.put(rest.Data, body) // taken, again or for the first time
			w.settled()
			w.nothingLeft()
		})
	}
}

// accept takes a file as the front does, with nobody to ship it.
func (w *world) accept(h rest.Handle, body []byte) catalogue.Object {
	w.t.Helper()
	o, err := w.room.shipping.Accept(context.Background(), catalogue.Object{Repo: "files", File: h, Size: int64(len(body))}, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

// sendSome gives n shards to their lenders, and writes the receipts or not.
func (w *world) sendSome(o catalogue.Object, n int, receipts bool) (sent []core.MemberID) {
	w.t.Helper()
	ctx := context.Background()
	lenders, err := w.room.pool.Candidates(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	s := w.room.shipping.Begin(o, nil)
	if _, err := s.Choose(ctx, lenders); err != nil {
		w.t.Fatal(err)
	}
	f, err := w.room.retrieve.Load(ctx, s.Object)
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	p, err := encoding.Encode(f, o.Sealed, s.Object.Code, w.room.scratch())
	if err != nil {
		w.t.Fatal(err)
	}
	tasks := pool.Plan(s.Object, nil, lenders)[:n]
	if err := s.Send(ctx, tasks, p); err != nil {
		w.t.Fatal(err)
	}
	for _, t := range tasks {
		sent = append(sent, t.Lender.ID)
	}
	if !receipts {
		if _, err := w.room.n.DB.ExecContext(ctx, "DELETE FROM vault_placement WHERE object = $1", o.ID.String()); err != nil {
			w.t.Fatal(err)
		}
		if err := w.room.store.Queue.SetState(ctx, w.room.n.DB, o.ID, catalogue.Waiting, 1); err != nil {
			w.t.Fatal(err)
		}
	}
	return sent
}

// nothingLeft looks for data files in the local store, and for members with more than
// one shard of anything.
func (w *world) nothingLeft() {
	w.t.Helper()
	w.eventually("the local store is swept", func() bool {
		rows, err := w.room.store.Objects.Local(context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
		named := map[string]bool{}
		for _, o := range rows {
			if o.File.Type == rest.Data {
				return false
			}
			named[o.Local] = true
		}
		left := 0
		err = w.room.local.Walk("", func(name string) error {
			if !named[name] {
				left++
			}
			return nil
		})
		return err == nil && left == 0
	})
	if used := w.room.spool.Used(); used != 0 {
		w.t.Errorf("the spool counts %d bytes", used)
	}
	if len(w.lent) < len(w.members) {
		return // what went to members that left stays behind until it is pruned
	}
	for _, m := range w.members {
		names, err := w.listed(m.id)
		if err != nil {
			w.t.Fatal(err)
		}
		objects := map[string]bool{}
		for name := range names {
			object := name[:64]
			if objects[object] {
				w.t.Errorf("%s has two shards of %s", m.id, object)
			}
			objects[object] = true
		}
	}
}

// listed is the names of all the owner's shards that a member has, deleted ones left out.
func (w *world) listed(member core.MemberID) (map[string]bool, error) {
	names := map[string]bool{}
	for after := ""; ; {
		page, err := w.room.n.Holder(member).List(context.Background(), owner, after, holder.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, held := range page.Shards {
			if held.Deleted == 0 {
				names[held.Name()] = true
			}
		}
		if after = page.Next; after == "" {
			return names, nil
		}
	}
}
