package vault

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// saved puts one file and answers its object, with no job running any more.
func (w *world) saved() (catalogue.Object, []byte) {
	w.t.Helper()
	body := randomBytes(50_000, 77)
	w.client("files", "").put(rest.Data, body)
	w.quiet()
	o, err := w.room.store.Objects.File(w.t.Context(), "files", rest.Handle{Type: rest.Data, Name: nameOf(body)}, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return o, body
}

// unknown takes an object out of the catalogue, as an older disk would not have it.
func (w *world) unknown(o catalogue.Object) {
	w.t.Helper()
	for _, table := range []string{"vault_tombstone", "vault_placement", "vault_object"} {
		w.exec(`DELETE FROM `+table+` WHERE object = $1`, o.ID.String())
	}
}

// deletedAt has members have deleted an object long ago enough.
func (w *world) deletedAt(o catalogue.Object, members ...*member) {
	w.t.Helper()
	for _, m := range members {
		if _, err := m.db.ExecContext(w.t.Context(), `UPDATE vault_stored SET deleted_us = $1 WHERE object = $2`,
			int64(core.At(time.Now())), o.ID.String()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) compared(all bool) *recovery.Comparison {
	w.t.Helper()
	c, err := w.room.recovery.Compare(w.t.Context(), all, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) standing() recovery.State {
	w.t.Helper()
	c, err := w.room.recovery.Standing(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return c.Standing
}

// In everyday life catalogue and members agree, so that a comparison costs one short
// answer of each.
func TestSummariesAgreeInEverydayLife(t *testing.T) {
	w := newWorld(t, 6)
	made := w.create("files")
	c := w.client("files", "")
	gone := c.put(rest.Data, randomBytes(9_000, 1))
	c.put(rest.Index, randomBytes(900, 2))
	if status, _ := w.client("files", made.Prune).do("DELETE", gone, nil); status != http.StatusOK {
		t.Fatal(status)
	}
	w.quiet()
	if err := w.room.removals.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	agree := func(when string) {
		t.Helper()
		ours, err := w.room.store.Placements.Expected(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range w.members {
			theirs, err := holder.NewRemote(peer.NewClient(w.peer(owner)), w, m.id).Summary(t.Context(), owner)
			if err != nil || len(theirs) == 0 {
				t.Fatalf("%s: %v, %v", when, theirs, err)
			}
			for _, b := range holder.Buckets() {
				if ours[m.id][b] != theirs[b] {
					t.Errorf("%s: bucket %s of %s differs", when, b, m.id)
				}
			}
		}
	}
	agree("after a removal that waits")
	if _, err := w.room.store.Placements.GiveUp(t.Context(), w.members[0].id); err != nil {
		t.Fatal(err)
	}
	w.compared(false)
	agree("after a member came back")
}

// What the catalogue lacks is taken in, also from members that know no summary; what
// only one of many members shows, and is not newer than all that is known, is counted.
func TestBeyondTheCatalogue(t *testing.T) {
	for name, how := range map[string]conduct{"summaries": honest, "lists": unsummed} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 6)
			w.t = t
			w.create("files")
			o, _ := w.saved()
			w.conducts(everyone(6, how)...)
			w.unknown(o)
			c := w.compared(false)
			if len(c.Taken) != 1 || w.standing() != recovery.Whole {
				t.Fatalf("taken in: %d; %s", len(c.Taken), w.standing())
			}
			if back := w.object(o.ID); back.File != o.File || back.State != catalogue.Placed || back.Deleted != 0 {
				t.Errorf("%+v", back)
			}
			w.unknown(o)
			for _, m := range w.members[1:] {
				if _, err := m.db.ExecContext(t.Context(), `DELETE FROM vault_stored WHERE object = $1`, o.ID.String()); err != nil {
					t.Fatal(err)
				}
			}
			w.exec(`UPDATE vault_object SET made_us = made_us + 1000000000`)
			if c := w.compared(true); len(c.Taken) != 0 || c.Beyond(-1) != "1" {
				t.Errorf("one member's word: %d taken in, %q beyond", len(c.Taken), c.Beyond(-1))
			}
		})
	}
}

// Heads that we did not sign teach the catalogue nothing.
func TestInventedShardsAreNotTakenIn(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	o, _ := w.saved()
	w.unknown(o)
	w.past = nil
	w.newKey(owner) // the heads are now those of a stranger
	w.past = nil
	if c := w.compared(true); len(c.Taken) != 0 || c.Census.Foreign != 0 {
		t.Errorf("%d taken in", len(c.Taken))
	}
	if _, err := w.room.store.Objects.Get(t.Context(), o.ID); core.CodeOf(err) != core.CodeNotFound {
		t.Error(err)
	}
}

// A removal that this disk knows nothing of is taken back at the members, before the
// 30 days are over and the file is gone under a catalogue that calls it safe.
func TestRemovalsOfAnotherDiskAreTakenBack(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	o, _ := w.saved()
	w.deletedAt(o, w.members...)
	w.compared(false)
	for _, m := range w.members {
		names, err := w.listed(m.id)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(join(names), o.ID.String()) {
			t.Errorf("%s still has it buried", m.id)
		}
	}
}

func join(names map[string]bool) (out string) {
	for name := range names {
		out += name + " "
	}
	return out
}

// What an earlier disk removed has no tombstone here, whether the catalogue knows the
// file (after a recovery) or not (on an older disk): undelete asks the members.
func TestUndeleteAsksTheMembers(t *testing.T) {
	for name, before := range map[string]func(w *world, o catalogue.Object){
		"recovered": func(w *world, o catalogue.Object) {
			w.exec(`UPDATE vault_object SET deleted_us = $1 WHERE object = $2`, int64(core.At(time.Now())), o.ID.String())
		},
		"unknown": func(w *world, o catalogue.Object) { w.unknown(o) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.t = t
			w.create("files")
			o, body := w.saved()
			w.deletedAt(o, w.members...)
			before(w, o)
			n, err := w.room.removals.Undelete(t.Context(), "files", core.At(time.Now().Add(-time.Hour)))
			if n != 1 || err != nil {
				t.Fatal(n, err)
			}
			if err := w.room.n.DB.Close(); err != nil {
				t.Fatal(err)
			}
			w.start()
			if status, got := w.client("files", "").do("GET", "/"+o.File.String(), nil); status != http.StatusOK || !bytes.Equal(got, body) {
				t.Errorf("%d", status)
			}
		})
	}
}

// A disk that lost a file that was on its way asks the members before the file is
// given up; while they are away the front knows nothing of what is missing.
func TestLostFilesAlone(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	w.saved()
	body := randomBytes(20_000, 78)
	o := w.accept(rest.Handle{Type: rest.Data, Name: nameOf(body)}, body)
	if err := w.room.local.Remove(o.Local); err != nil {
		t.Fatal(err)
	}
	w.conducts(everyone(3, away)...)
	if err := w.room.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.object(o.ID); got.Deleted != 0 || w.standing() != recovery.Behind {
		t.Fatalf("%+v, %s", got, w.standing())
	}
	w.conducts()
	if err := w.room.recovery.CompareDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.object(o.ID); got.Deleted == 0 || w.standing() != recovery.Whole {
		t.Errorf("%+v, %s", got, w.standing())
	}
}

// A repository whose row is gone is named again from the secrets beside the database,
// with the same tokens.
func TestARepositoryIsNamedAgain(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	o, body := w.saved()
	before := w.env("files", "")
	w.exec(`DELETE FROM vault_repo`)
	if err := w.room.n.DB.Close(); err != nil {
		t.Fatal(err)
	}
	w.start()
	<-w.room.started
	if after := w.env("files", ""); strings.Split(after.Repository, "@")[0] != strings.Split(before.Repository, "@")[0] {
		t.Errorf("%s became %s", before.Repository, after.Repository)
	}
	if status, got := w.client("files", "").do("GET", "/"+o.File.String(), nil); status != http.StatusOK || !bytes.Equal(got, body) {
		t.Errorf("%d", status)
	}
}

// The catalogue's own sums mean the same on both engines.
func TestCompareStore(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, s := t.Context(), catalogue.New(d)
		for want := range int64(3) {
			if n, err := s.Notes.CountMark(ctx); n != want+1 || err != nil {
				t.Fatal(n, err)
			}
		}
		if n, err := s.Notes.Mark(ctx); n != 3 || err != nil {
			t.Error(n, err)
		}
		o := catalogue.Object{ID: shard.Hash{0xab, 1}, Repo: "files", File: rest.Handle{Type: rest.Data, Name: "x"}, Code: shard.Code{K: 1, N: 2}, State: catalogue.Placed, Made: 7}
		if _, err := s.Objects.Add(ctx, o); err != nil {
			t.Fatal(err)
		}
		p := catalogue.Placement{Object: o.ID, Index: 1, Member: "m.test", Root: o.ID, State: catalogue.Stored}
		for range 2 {
			if err := s.Placements.PutUnknown(ctx, d, p); err != nil {
				t.Fatal(err)
			}
		}
		want := holder.Summary{}
		want.Add(holder.Ref{Object: o.ID, Index: 1})
		got, err := s.Placements.Expected(ctx)
		if err != nil || len(got) != 1 || got["m.test"]["ab"] != want["ab"] {
			t.Errorf("%v, %v", got, err)
		}
		for bucket, n := range map[string]int{"": 1, "ab": 1, "ac": 0, "aa": 0} {
			if known, err := s.Placements.Known(ctx, "m.test", bucket); err != nil || len(known) != n {
				t.Errorf("bucket %q: %v, %v", bucket, known, err)
			}
		}
		if err := s.Placements.SetDeleted(ctx, d, p, 9); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Placements.Expected(ctx); err != nil || len(got["m.test"]) != 0 {
			t.Errorf("deleted: %v, %v", got, err)
		}
		if names, err := s.Repos.Unnamed(ctx); err != nil || len(names) != 1 || names[0] != "files" {
			t.Errorf("%v, %v", names, err)
		}
		if odd, err := s.Rows.Odd(ctx); err != nil || len(odd) != 0 {
			t.Errorf("%v, %v", odd, err)
		}
		disk := recovery.New(recovery.Needs{DB: d, Store: s, Log: slog.New(slog.DiscardHandler)}).Disk
		// As an earlier version wrote them.
		for _, table := range []string{"vault_object", "vault_placement"} {
			if _, err := d.ExecContext(ctx, `UPDATE `+table+` SET row_sum = ''`); err != nil {
				t.Fatal(err)
			}
		}
		if err := disk.CheckRows(ctx); err != nil {
			t.Fatal(err)
		}
		if odd, err := s.Rows.Odd(ctx); err != nil || len(odd) != 0 {
			t.Errorf("after writing the sums: %v, %v", odd, err)
		}
		if note, err := s.Notes.Get(ctx, recovery.NoteBehind); note != "" || err != nil {
			t.Error(note, err)
		}
		if _, err := d.ExecContext(ctx, `UPDATE vault_placement SET root = 'no hash'`); err != nil {
			t.Fatal(err)
		}
		if err := disk.CheckRows(ctx); err != nil {
			t.Fatal(err)
		}
		if all, err := s.Placements.Of(ctx, o.ID); len(all) != 0 || err != nil {
			t.Error(all, err)
		}
		if note, err := s.Notes.Get(ctx, recovery.NoteBehind); note != recovery.BehindRows || err != nil {
			t.Error(note, err)
		}
		if at, err := s.Objects.NewestMade(ctx); at != 7 || err != nil {
			t.Error(at, err)
		}
	})
}
