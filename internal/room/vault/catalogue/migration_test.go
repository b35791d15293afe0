package catalogue

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// before answers the migrations of an older version: those before a file.
func before(t *testing.T, file string) fs.FS {
	t.Helper()
	old := fstest.MapFS{}
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(migrations.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		if name < file {
			old[name] = &fstest.MapFile{Data: data}
		}
	}
	return old
}

// What was written with the older names of columns and states says the same under the
// newer ones, and its check sums stand.
func TestRowsOfOlderNames(t *testing.T) {
	dbtest.Each(t, "vault", before(t, "0011_words.sql"), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		alive := Object{ID: shard.Hash{1}, Repo: "files", File: rest.Handle{Type: rest.Data, Name: "aa"}, Size: 90, Sealed: 100}
		gone := Object{ID: shard.Hash{2}, Repo: "files", File: rest.Handle{Type: rest.Index, Name: "bb"}, Size: 90, Sealed: 100, Deleted: 7}
		for i, o := range []Object{alive, gone} {
			if _, err := d.ExecContext(ctx, `INSERT INTO vault_object (object, repo, kind, name, size, sealed, k, n, seq, file, state, tries, next_us,
				made_us, safe_us, buried_us, sealed_to, row_sum) VALUES ($1, $2, $3, $4, $5, $6, 1, 2, $7, '', 'placed', 0, 0, 5, 6, $8, '', $9)`,
				o.ID.String(), o.Repo, string(o.File.Type), o.File.Name, o.Size, o.Sealed, i+1, int64(o.Deleted), sumOfObject(o)); err != nil {
				t.Fatal(err)
			}
		}
		const place = `INSERT INTO vault_placement (object, idx, member, site, admin, length, root, state, receipt, held_us, seen_us, bury_us, grave_us, row_sum)
			VALUES ($1, $2, $3, '', '', 100, $1, $4, '', 8, 9, 0, $5, $6)`
		for _, p := range []struct {
			Placement
			old       string
			tombstone core.Moment
		}{
			{Placement{Object: alive.ID, Root: alive.ID, Index: 0, Member: "m.test", Length: 100}, "held", 0},
			{Placement{Object: alive.ID, Root: alive.ID, Index: 1, Member: "n.test", Length: 100}, "lost", 0},
			{Placement{Object: gone.ID, Root: gone.ID, Index: 0, Member: "m.test", Length: 100}, "held", 8},
			{Placement{Object: gone.ID, Root: gone.ID, Index: 1, Member: "n.test", Length: 100}, "held", 0},
		} {
			if _, err := d.ExecContext(ctx, place, p.Object.String(), p.Index, string(p.Member), p.old, int64(p.tombstone), sumOfPlacement(p.Placement)); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Migrate(ctx, d, "vault", migrations.Files); err != nil {
			t.Fatal(err)
		}
		checkNames(t, New(d), alive, gone)
	})
}

// checkNames reads what TestRowsOfOlderNames wrote.
func checkNames(t *testing.T, s Store, alive, gone Object) {
	t.Helper()
	ctx := t.Context()
	if odd, err := s.Rows.Odd(ctx); err != nil || len(odd) > 0 {
		t.Errorf("rows that do not stand: %+v, %v", odd, err)
	}
	if all, err := s.Objects.All(ctx, "files"); err != nil || len(all) != 1 || all[0].ID != alive.ID || all[0].Deleted != 0 {
		t.Errorf("alive: %+v, %v", all, err)
	}
	if o, err := s.Objects.Get(ctx, gone.ID); err != nil || o.Deleted != 7 {
		t.Errorf("deleted: %+v, %v", o, err)
	}
	all, err := s.Placements.Of(ctx, alive.ID)
	if err != nil || len(all) != 2 || all[0].State != Stored || all[0].Since != 8 || all[1].State != Lost {
		t.Errorf("placements: %+v, %v", all, err)
	}
	used, err := s.Placements.Used(ctx)
	if err != nil || used["m.test"] != 2*Cost(100) || used["n.test"] != Cost(100) {
		t.Errorf("used: %v, %v", used, err)
	}
	known, err := s.Placements.Known(ctx, "m.test", "")
	if err != nil || len(known) != 2 {
		t.Fatalf("known: %+v, %v", known, err)
	}
	for _, k := range known {
		if want := map[shard.Hash]core.Moment{gone.ID: 8}[k.Object]; k.Deleted != want {
			t.Errorf("deleted at its member: %d, want %d", k.Deleted, want)
		}
	}
}
