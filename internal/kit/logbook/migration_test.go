package logbook_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/logbook/store"
)

// before answers the migrations of an older version: those before a file.
func before(t *testing.T, file string) fs.FS {
	t.Helper()
	old := fstest.MapFS{}
	for _, name := range must[[]string](t)(fs.Glob(logbook.Migrations(), "migrations/*.sql")) {
		if name < "migrations/"+file {
			old[name] = &fstest.MapFile{Data: must[[]byte](t)(fs.ReadFile(logbook.Migrations(), name))}
		}
	}
	return old
}

// What was written with the older names of columns says the same under the newer ones.
func TestRowsOfOlderNames(t *testing.T) {
	dbtest.Each(t, "logbook", before(t, "0004_words.sql"), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		must[int64](t)(db.Exec(ctx, d, `INSERT INTO logbook_lease (instance, beat_us, guarded, ask) VALUES ('i', 7, 1, ''), ('j', 5, 1, '')`))
		must[int64](t)(db.Exec(ctx, d, `INSERT INTO logbook_cursor (reader, member, next, cut) VALUES ('r', 'a.test', 3, 2), ('r', 'b.test', 3, -1)`))
		ok(t, db.Migrate(ctx, d, "logbook", logbook.Migrations()))
		leases := must[[]store.Lease](t)(store.GuardedSince(ctx, d, 6))
		if len(leases) != 1 || leases[0].Instance != "i" {
			t.Errorf("%+v", leases)
		}
		for id, want := range map[core.MemberID]store.Cursor{"a.test": {Next: 3, Truncated: 2}, "b.test": {Next: 3, Truncated: -1}} {
			if got := must[store.Cursor](t)(store.GetCursor(ctx, d, "r", id)); got != want {
				t.Errorf("%s: %+v", id, got)
			}
		}
	})
}
