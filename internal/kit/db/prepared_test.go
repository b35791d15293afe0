package db_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
)

// One statement may be read from twice at once on one connection: a row of the first reading
// asks the second.
func TestAStatementIsReadTwiceAtOnce(t *testing.T) {
	dbtest.Each(t, "demo", tables(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		const names = `SELECT name FROM demo_account ORDER BY name`
		for _, name := range []string{"ana", "bob", "cyd"} {
			if _, err := db.Exec(ctx, d, insert, name, 1); err != nil {
				t.Fatal(err)
			}
		}
		if d.Engine() == db.Postgres {
			return // its protocol reads one result at a time
		}
		var pairs []string
		if err := d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			outer, err := q.QueryContext(ctx, names)
			if err != nil {
				return err
			}
			defer outer.Close()
			for outer.Next() {
				var name string
				if err := outer.Scan(&name); err != nil {
					return err
				}
				inner, err := db.All(ctx, q, db.Text, names)
				if err != nil {
					return err
				}
				pairs = append(pairs, name+":"+strings.Join(inner, "+"))
			}
			return outer.Err()
		}); err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Join(pairs, " "), "ana:ana+bob+cyd bob:ana+bob+cyd cyd:ana+bob+cyd"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// What failed once works when its cause is gone, and a changed table is seen by a statement
// that was prepared before.
func TestPreparedStatementsSeeChanges(t *testing.T) {
	dbtest.Each(t, "demo", tables(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		const all = `SELECT count(*) FROM demo_account`
		for range 3 {
			if _, err := db.Exec(ctx, d, insert, "ana", 1); err != nil && !db.IsDuplicate(err) {
				t.Fatal(err)
			}
		}
		if _, err := db.Exec(ctx, d, insert, "bob", 1); err != nil {
			t.Errorf("after a failure of the same statement: %v", err)
		}
		if n, err := db.One(ctx, d, db.Int64, all); err != nil || n != 2 {
			t.Fatal(n, err)
		}
		if _, err := db.Exec(ctx, d, `DROP TABLE demo_account`); err != nil {
			t.Fatal(err)
		}
		if _, err := db.One(ctx, d, db.Int64, all); err == nil {
			t.Error("a table that is gone was read")
		}
		if _, err := db.Exec(ctx, d, `CREATE TABLE demo_account (name TEXT PRIMARY KEY, amount BIGINT NOT NULL)`); err != nil {
			t.Fatal(err)
		}
		if n, err := db.One(ctx, d, db.Int64, all); err != nil || n != 0 {
			t.Error(n, err)
		}
	})
}

// More statements than are kept, many times over: each answers what it says.
func TestManyStatements(t *testing.T) {
	dbtest.Each(t, "demo", tables(), func(t *testing.T, d *db.DB) {
		for round := range 3 {
			for i := range 200 {
				n, err := db.One(t.Context(), d, db.Int64, fmt.Sprintf(`SELECT %d + $1`, i), int64(round))
				if err != nil || n != int64(i+round) {
					t.Fatalf("%d + %d = %d, %v", i, round, n, err)
				}
			}
		}
	})
}

// A reading that is broken off leaves its statement usable.
func TestBrokenOffReading(t *testing.T) {
	dbtest.Each(t, "demo", tables(), func(t *testing.T, d *db.DB) {
		const series = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT i FROM n`
		for range 5 {
			ctx, cancel := context.WithCancel(t.Context())
			rows, err := d.QueryContext(ctx, series)
			if err != nil {
				t.Fatal(err)
			}
			if !rows.Next() {
				t.Fatal("no row", rows.Err())
			}
			cancel()
			for rows.Next() {
			}
			if err := rows.Close(); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			all, err := db.All(t.Context(), d, db.Int64, series)
			if err != nil || len(all) != 100_000 || all[99_999] != 100_000 {
				t.Fatal(len(all), err)
			}
		}
	})
}

// BenchmarkOne is what one small question costs.
func BenchmarkOne(b *testing.B) {
	d, err := db.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "x.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	if err := db.Migrate(b.Context(), d, "demo", tables()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := db.All(b.Context(), d, db.Text, `SELECT name FROM demo_account WHERE name = $1 AND amount > $2 ORDER BY name`, "ana", 3); err != nil {
			b.Fatal(err)
		}
	}
}
