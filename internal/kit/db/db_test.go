package db_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/fstest"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
)

var tables = fstest.MapFS{"0001_first.sql": {Data: []byte(`-- +goose Up
CREATE TABLE demo_thing (id TEXT PRIMARY KEY, n BIGINT NOT NULL, body BYTEA);
-- +goose Down
DROP TABLE demo_thing;
`)}}

func TestVerbs(t *testing.T) {
	dbtest.Each(t, "demo", tables, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		if n, err := db.Exec(ctx, d, "INSERT INTO demo_thing (n, id, body) VALUES ($2, $1, $3)", "a", 7, []byte{0, 255}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		_, err := db.Exec(ctx, d, "INSERT INTO demo_thing (id, n) VALUES ('a', 1)")
		if !db.IsDuplicate(err) {
			t.Fatalf("a second 'a' is a duplicate, got %v", err)
		}
		if n, err := db.One(ctx, d, db.Int64, "SELECT n FROM demo_thing WHERE id = $1", "a"); n != 7 || err != nil {
			t.Fatal(n, err)
		}
		if _, err := db.One(ctx, d, db.Int64, "SELECT n FROM demo_thing WHERE id = 'none'"); !errors.Is(err, db.ErrNoRow) {
			t.Fatal(err)
		}
		if ids, err := db.All(ctx, d, db.Text, "SELECT id FROM demo_thing"); len(ids) != 1 || err != nil {
			t.Fatal(ids, err)
		}
		if err := db.Migrate(ctx, d, "demo", tables); err != nil {
			t.Fatalf("a second migration does nothing: %v", err)
		}
	})
}

func TestTxIsAtomicAndAlone(t *testing.T) {
	dbtest.Each(t, "demo", tables, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		if _, err := db.Exec(ctx, d, "INSERT INTO demo_thing (id, n) VALUES ('count', 0)"); err != nil {
			t.Fatal(err)
		}
		broken := errors.New("half way")
		err := d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			if _, err := db.Exec(ctx, q, "UPDATE demo_thing SET n = 100"); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 5 {
					if err := d.Tx(ctx, increment); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if n, err := db.One(ctx, d, db.Int64, "SELECT n FROM demo_thing"); n != 40 || err != nil {
			t.Fatalf("40 increments gave %d, %v", n, err)
		}
	})
}

func increment(ctx context.Context, q db.Querier) error {
	n, err := db.One(ctx, q, db.Int64, "SELECT n FROM demo_thing WHERE id = 'count'")
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, "UPDATE demo_thing SET n = $1 WHERE id = 'count'", n+1)
	return err
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	if _, err := db.Open(t.Context(), "mysql://x"); core.CodeOf(err) != core.CodeInvalid {
		t.Fatal(err)
	}
	if _, err := db.Open(t.Context(), "sqlite:/nowhere/at/all.db"); core.CodeOf(err) != core.CodeUnsure {
		t.Fatal(err)
	}
}
