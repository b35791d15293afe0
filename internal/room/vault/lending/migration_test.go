package lending

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/migrations"
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

// Rows of an earlier version are counted anew when the tables are brought up to date.
func TestChargeOfOldRows(t *testing.T) {
	dbtest.Each(t, "vault", before(t, "0007_charge.sql"), func(t *testing.T, d *db.DB) {
		for i, bytes := range []int64{1100, 4096, 5000} {
			if _, err := d.ExecContext(t.Context(), `INSERT INTO vault_held (owner, object, idx, state, bytes, length, root, prune, head,
				received_us, keep_us, checked_us, buried_us, tomb_us) VALUES ('ana.test', $1, 0, 'held', $2, 1, '', '', '', 1, 0, 1, 0, 0)`,
				strings.Repeat(string(rune('a'+i)), 64), bytes); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.ExecContext(t.Context(), `INSERT INTO vault_tenant (owner, bytes, shards) VALUES ('ana.test', 10196, 3), ('bo.test', 0, 0)`); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context(), d, "vault", migrations.Files); err != nil {
			t.Fatal(err)
		}
		want := shard.Charge(1100) + shard.Charge(4096) + shard.Charge(5000)
		if used, err := (records{d}).used(t.Context(), ana); err != nil || used != want || want != 28<<10 {
			t.Errorf("used %d, want %d, %v", used, want, err)
		}
		if used, err := (records{d}).used(t.Context(), bo); err != nil || used != 0 {
			t.Errorf("nothing counts %d, %v", used, err)
		}
	})
}

// What was written with the older names of the table, its columns and states is listed,
// undeleted and freed as it was.
func TestRowsOfOlderNames(t *testing.T) {
	dbtest.Each(t, "vault", before(t, "0013_lending.sql"), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		alive, deleted, freed := w.newThing(1, 3000), w.newThing(2, 3000), w.newThing(3, 3000)
		now := core.At(w.now)
		for o, at := range map[*thing]core.Moment{&alive: 0, &deleted: now, &freed: now.Add(-2 * holder.Retention)} {
			head := o.heads[0]
			r := rowOf(head, "held", now)
			if _, err := d.ExecContext(t.Context(), `INSERT INTO vault_held (owner, object, idx, state, bytes, length, root, prune, head,
				received_us, keep_us, checked_us, buried_us, tomb_us) VALUES ($1, $2, 0, 'held', $3, $4, $5, $6, $7, $8, 42, $8, $9, $9)`,
				string(r.owner), r.object.String(), r.bytes, r.length, r.root.String(), r.prune, r.head, int64(now), int64(at)); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Migrate(t.Context(), d, "vault", migrations.Files); err != nil {
			t.Fatal(err)
		}
		if err := w.store.records.recount(t.Context()); err != nil {
			t.Fatal(err)
		}
		h := w.store.For(ana)
		page, err := h.List(t.Context(), ana, "", 0)
		if err != nil || len(page.Shards) != 3 {
			t.Fatalf("%d shards, %v", len(page.Shards), err)
		}
		for _, e := range page.Shards {
			if e.Received != now || (e.Deleted != 0) != (e.Object != alive.object()) {
				t.Errorf("listed %+v", e)
			}
		}
		if r, err := find(t.Context(), d, holder.RefOf(alive.heads[0].Header)); err != nil || r.until != 42 || r.state != stateStored {
			t.Errorf("%+v, %v", r, err)
		}
		if n, err := h.Undelete(t.Context(), []shard.Hash{deleted.object()}); n != 1 || err != nil {
			t.Errorf("undeleted %d, %v", n, err)
		}
		if rows, err := w.store.records.expired(t.Context(), now.Add(-holder.Retention), 10); err != nil || len(rows) != 1 || rows[0].object != freed.object() {
			t.Errorf("to be freed: %d, %v", len(rows), err)
		}
	})
}
