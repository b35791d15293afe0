package target

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/migrations"
)

// heard is an entry of a member's logbook.
func heard(t *testing.T, index int64, typ string, body any) logbook.Entry {
	t.Helper()
	text, err := wire.Encode(body)
	if err != nil {
		t.Fatal(err)
	}
	return logbook.Entry{Log: ben, Index: index, Typ: typ, Iat: noon, Body: text}
}

// TestKnown: whatever another process writes, what is remembered is what is stored.
func TestKnown(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		known, now := NewKnown(d), noon
		own := targetsOf(d, &book{}, ana) // as another process has it
		w := &world{nodes: map[string]core.RootKey{"https://chaton-b.test": {1}}}
		prover := w.prover(d, &now, core.RootKey{1}, "https://chaton-b.test")
		theirs := pad()
		theirs.Owner, theirs.Address = ben, "https://pad.chaton-b.test/"
		paused := theirs
		paused.Paused = true
		var it Target
		read := func(e logbook.Entry) error { return own.Readers()[0].Read(ctx, e) }
		for _, step := range []struct {
			name string
			do   func() error
			want int
		}{
			{"nothing", func() error { return nil }, 0},
			{"added", func() (err error) {
				it, err = own.Add(ctx, Target{Service: "Pad", Kind: HTTP, Address: "https://pad.chaton-a.test/"})
				return err
			}, 1},
			{"changed", func() error {
				_, err := own.Change(ctx, it.ID, func(t *Target) { t.Every = 5 * time.Minute })
				return err
			}, 1},
			{"heard", func() error { return read(heard(t, 1, TypeTarget, theirs.body())) }, 2},
			{"proved", func() error { return prover.Prove(ctx, []Target{theirs}) }, 2},
			{"paused", func() error { return read(heard(t, 2, TypeTarget, paused.body())) }, 2},
			{"proved again", func() error {
				now = now.Add(8 * 24 * time.Hour)
				return prover.Prove(ctx, []Target{theirs})
			}, 2},
			{"gone", func() error { return read(heard(t, 3, TypeGone, gone{theirs.ID})) }, 1},
			{"heard anew", func() error { return read(heard(t, 4, TypeTarget, theirs.body())) }, 2},
			{"cut off", func() error { return own.Readers()[0].Truncated(ctx, ben, 0) }, 1},
			{"removed", func() error { _, err := own.Remove(ctx, it.ID); return err }, 0},
		} {
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			same(ctx, t, step.name, d, known)
			if got, err := known.All(ctx); err != nil || len(got) != step.want {
				t.Errorf("%s: %d targets, %v", step.name, len(got), err)
			}
		}
	})
}

// same compares what is remembered with what is stored.
func same(ctx context.Context, t *testing.T, name string, d *db.DB, known *Known) {
	t.Helper()
	got, err1 := known.All(ctx)
	want, err2 := All(ctx, d)
	if diff := cmp.Diff(want, got); err1 != nil || err2 != nil || len(want)+len(got) > 0 && diff != "" {
		t.Errorf("%s, all: %v, %v\n%s", name, err1, err2, diff)
	}
	for _, owner := range []core.MemberID{ana, ben} {
		got, err1 := known.Of(ctx, owner)
		want, err2 := Of(ctx, d, owner)
		if diff := cmp.Diff(want, got); err1 != nil || err2 != nil || len(want)+len(got) > 0 && diff != "" {
			t.Errorf("%s, of %s: %v, %v\n%s", name, owner, err1, err2, diff)
		}
	}
	held, err1 := known.proved(ctx)
	stored, err2 := proofs(ctx, d)
	when := func(all []Proof) (out []string) {
		for _, p := range all {
			if p.Proved != 0 {
				out = append(out, string(p.Owner)+" "+p.Domain+" "+p.Proved.Time().String())
			}
		}
		slices.Sort(out)
		return out
	}
	if err1 != nil || err2 != nil || !slices.Equal(when(held), when(stored)) {
		t.Errorf("%s: %v, proved %v, %v", name, when(held), when(stored), err1)
	}
}

// TestKnownReadsOnce: the rows are read when something changed, and only then; what a caller
// does with its slice changes nothing.
func TestKnownReadsOnce(t *testing.T) {
	d := dbtest.SQLite(t, "watch", migrations.Files)
	ctx := t.Context()
	own, known := targetsOf(d, &book{}, ana), NewKnown(d)
	if _, err := own.Add(ctx, Target{Service: "Pad", Kind: HTTP, Address: "https://pad.chaton-a.test/"}); err != nil {
		t.Fatal(err)
	}
	all, err := known.All(ctx)
	if err != nil {
		t.Fatal(err)
	}
	all[0].Service = "mine"
	// No store writes like this: had the rows been read, it would be seen.
	if _, err := db.Exec(ctx, d, `UPDATE watch_target SET service = 'unseen'`); err != nil {
		t.Fatal(err)
	}
	if all, err := known.All(ctx); err != nil || all[0].Service != "Pad" {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := own.Add(ctx, Target{Service: "Box", Kind: HTTP, Address: "https://box.chaton-a.test/"}); err != nil {
		t.Fatal(err)
	}
	if all, err := known.All(ctx); err != nil || len(all) != 2 || all[1].Service != "unseen" {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestDamaged: a row that cannot be read is passed over, whoever's it is, and named; its
// owner's next word mends it, and one of ours can be taken away.
func TestDamaged(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		b := &book{}
		own := targetsOf(d, b, ana)
		it, err := own.Add(ctx, Target{Service: "Pad", Kind: HTTP, Address: "https://pad.chaton-a.test/"})
		if err != nil {
			t.Fatal(err)
		}
		theirs, sound := pad(), pad()
		theirs.Owner, sound.Owner, sound.ID, sound.Service = ben, ben, NewID(), "Wiki"
		read := func(index int64, one Target) {
			if err := own.Readers()[0].Read(ctx, heard(t, index, TypeTarget, one.body())); err != nil {
				t.Fatal(err)
			}
		}
		read(1, theirs)
		read(2, sound)
		for _, id := range []string{it.ID, theirs.ID} {
			if _, err := db.Exec(ctx, d, `UPDATE watch_target SET expect = $1 WHERE id = $2`, `;}`, id); err != nil {
				t.Fatal(err)
			}
		}
		if all, err := NewKnown(d).All(ctx); err != nil || len(all) != 1 || all[0].ID != sound.ID {
			t.Errorf("to be looked at: %+v, %v", all, err)
		}
		if bad, err := Damaged(ctx, d); err != nil || len(bad) != 2 || bad[0].ID != it.ID || bad[1].ID != theirs.ID {
			t.Errorf("damaged: %+v, %v", bad, err)
		}
		if named, err := Find(ctx, d, ben, theirs.ID); err != nil || named.Service != theirs.Service || !named.Damaged {
			t.Errorf("by its ID: %+v, %v", named, err)
		}
		_, changed := own.Change(ctx, it.ID, func(t *Target) { t.Paused = true })
		_, found := own.Own(ctx, it.ID)
		if core.CodeOf(changed) != core.CodeConflict || core.CodeOf(found) != core.CodeConflict {
			t.Errorf("what is expected is lost without a word: %v, %v", changed, found)
		}
		if _, err := own.Remove(ctx, it.ID); err != nil {
			t.Error(err)
		}
		read(3, theirs)
		if bad, err := Damaged(ctx, d); err != nil || len(bad) != 0 {
			t.Errorf("mended: %+v, %v", bad, err)
		}
	})
}
