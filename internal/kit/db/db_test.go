package db_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/words"
)

func tables() fstest.MapFS {
	return fstest.MapFS{"migrations/0001_first.sql": {Data: []byte(`-- +goose Up
CREATE TABLE demo_account (name TEXT PRIMARY KEY, amount BIGINT NOT NULL, blob BYTEA);
-- +goose Down
DROP TABLE demo_account;
`)}}
}

const insert = `INSERT INTO demo_account (name, amount) VALUES ($1, $2)`

func TestOneAllExec(t *testing.T) {
	dbtest.Each(t, "demo", tables(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		for i, name := range []string{"ana", "bob"} {
			if n, err := db.Exec(ctx, d, insert, name, i); err != nil || n != 1 {
				t.Fatalf("insert: %d, %v", n, err)
			}
		}
		names, err := db.All(ctx, d, db.Text, `SELECT name FROM demo_account ORDER BY name`)
		if err != nil || strings.Join(names, " ") != "ana bob" {
			t.Errorf("All: %v, %v", names, err)
		}
		amount, err := db.One(ctx, d, db.Int64, `SELECT amount FROM demo_account WHERE name = $1`, "bob")
		if err != nil || amount != 1 {
			t.Errorf("One: %d, %v", amount, err)
		}
		_, err = db.One(ctx, d, db.Int64, `SELECT amount FROM demo_account WHERE name = $1`, "eve")
		if !errors.Is(err, db.ErrNoRow) {
			t.Errorf("One without a row: %v", err)
		}
		none, err := db.All(ctx, d, db.Text, `SELECT name FROM demo_account WHERE amount > $1`, 9)
		if err != nil || len(none) != 0 {
			t.Errorf("All without a row: %v, %v", none, err)
		}
		sum, err := db.One(ctx, d, db.Int64, `SELECT sum(amount) FROM demo_account WHERE amount > $1`, 9)
		if err != nil || sum != 0 {
			t.Errorf("sum of nothing: %d, %v", sum, err)
		}
		_, err = db.Exec(ctx, d, insert, "ana", 3)
		if !db.IsDuplicate(err) {
			t.Errorf("second ana: %v", err)
		}
		if _, err := db.Exec(ctx, d, `INSERT INTO nowhere VALUES (1)`); err == nil || db.IsDuplicate(err) {
			t.Errorf("missing table: %v", err)
		}
	})
}

// What an engine says holds SQL and names of tables: people read a sentence, the log
// has the rest.
func TestNoSQLForPeople(t *testing.T) {
	catalogue, err := words.New(peer.Words)
	if err != nil {
		t.Fatal(err)
	}
	says := func(err error) string { return catalogue.Printer("en").Error(err) }
	dbtest.Each(t, "demo", tables(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		_, missing := db.Exec(ctx, d, `INSERT INTO nowhere VALUES (1)`)
		inTx := d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			_, err := q.ExecContext(ctx, `INSERT INTO nowhere VALUES (1)`)
			return fmt.Errorf("note it: %w", err)
		})
		forbid := map[string]string{db.SQLite: `PRAGMA query_only = 1`, db.Postgres: `SET TRANSACTION READ ONLY`}
		readOnly := d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			if _, err := q.ExecContext(ctx, forbid[d.Engine()]); err != nil {
				return err
			}
			_, err := db.Exec(ctx, q, insert, "bob", 1)
			return err
		})
		for want, err := range map[string]error{"refused": errors.Join(errors.New("x"), missing, inTx), "cannot be written": readOnly} {
			if text := says(err); !strings.Contains(text, want) || strings.Contains(text, "nowhere") || strings.Contains(text, "demo_account") {
				t.Errorf("people read %q", text)
			}
		}
		if !strings.Contains(missing.Error(), "nowhere") {
			t.Errorf("the log lacks what the engine said: %v", missing)
		}
	})
	// A file that is no database.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "no.db"), []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Open(t.Context(), "sqlite:"+filepath.Join(dir, "no.db")); !strings.Contains(says(err), "damaged") {
		t.Errorf("%q (%v)", says(err), err)
	}
}

func TestTxIsAllOrNothing(t *testing.T) {
	dbtest.Each(t, "demo", tables(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		boom := errors.New("boom")
		err := d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			if _, err := db.Exec(ctx, q, insert, "ana", 1); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Errorf("Tx: %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
				_, _ = db.Exec(ctx, q, insert, "bob", 1)
				panic("mistake")
			})
		}()
		if n := count(t, d); n != 0 {
			t.Errorf("%d rows survived", n)
		}
		if _, err := db.Exec(ctx, d, insert, "cyd", 1); err != nil {
			t.Errorf("database unusable after a panic: %v", err)
		}
	})
}

// Many read-then-write transactions on one row: a lost update would show.
func TestTxIsSerializable(t *testing.T) {
	dbtest.Each(t, "demo", tables(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		if _, err := db.Exec(ctx, d, insert, "pot", 0); err != nil {
			t.Fatal(err)
		}
		const workers, rounds = 4, 8
		var group sync.WaitGroup
		for range workers {
			group.Go(func() {
				for range rounds {
					if err := d.Tx(ctx, addOne); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		got, err := db.One(ctx, d, db.Int64, `SELECT amount FROM demo_account WHERE name = 'pot'`)
		if err != nil || got != workers*rounds {
			t.Errorf("pot holds %d, want %d (%v)", got, workers*rounds, err)
		}
	})
}

func addOne(ctx context.Context, q db.Querier) error {
	amount, err := db.One(ctx, q, db.Int64, `SELECT amount FROM demo_account WHERE name = 'pot'`)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `UPDATE demo_account SET amount = $1 WHERE name = 'pot'`, amount+1)
	return err
}

func TestNestedWriteIsRefused(t *testing.T) {
	dbtest.Each(t, "demo", tables(), func(t *testing.T, d *db.DB) {
		err := d.Tx(t.Context(), func(ctx context.Context, _ db.Querier) error {
			if _, err := db.Exec(ctx, d, insert, "ana", 1); core.CodeOf(err) != core.CodeInternal {
				t.Errorf("write beside the transaction: %v", err)
			}
			return d.Tx(ctx, func(context.Context, db.Querier) error { return nil })
		})
		if core.CodeOf(err) != core.CodeInternal {
			t.Errorf("Tx in a Tx: %v", err)
		}
	})
}

func TestTwoProcessesShareAFile(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "odd name?#%.db")
	var group sync.WaitGroup
	for p := range 3 {
		group.Go(func() {
			d, err := db.Open(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = d.Close() }()
			if err := db.Migrate(t.Context(), d, "demo", tables()); err != nil {
				t.Error(err)
				return
			}
			for i := range 10 {
				if _, err := db.Exec(t.Context(), d, insert, fmt.Sprintf("%d-%d", p, i), i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if n := count(t, d); n != 30 {
		t.Errorf("%d rows, want 30", n)
	}
}

func TestOpenGivesUpWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "held.db")
	held, err := os.Create(path + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := db.Open(ctx, "sqlite:"+path); !errors.Is(err, context.DeadlineExceeded) || core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("got %v", err)
	}
}

func TestFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wide.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := db.Migrate(t.Context(), d, "demo", tables()); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode of the database's %q file is %v", suffix, info.Mode().Perm())
		}
	}
}

func TestOpenRefusals(t *testing.T) {
	tests := []struct {
		url  string
		code core.Code
	}{
		{"", core.CodeInvalid},
		{"mysql://u:secret@h/d", core.CodeInvalid},
		{"/var/lib/x.db", core.CodeInvalid},
		{"sqlite:", core.CodeInvalid},
		{"sqlite::memory:", core.CodeInvalid},
		{"postgres://h:notaport/d", core.CodeInvalid},
		{"sqlite:" + filepath.Join(t.TempDir(), "no/such/dir/x.db"), core.CodeUnsure},
		{"postgres://127.0.0.1:1/d?connect_timeout=1", core.CodeUnsure},
	}
	for _, tt := range tests {
		t.Run(tt.url, func(t *testing.T) {
			d, err := db.Open(t.Context(), tt.url)
			if err == nil {
				_ = d.Close()
			}
			if core.CodeOf(err) != tt.code {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
}

func TestPragmas(t *testing.T) {
	d := dbtest.SQLite(t, "demo", nil)
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000", "cache_size": "-1024",
	} {
		got, err := db.One(t.Context(), d, db.Text, "PRAGMA "+pragma)
		if err != nil || got != want {
			t.Errorf("%s = %s (%v), want %s", pragma, got, err, want)
		}
	}
}

// What was deleted, or written over, is not in the file any more: short texts and those that
// fill pages of their own.
func TestDeletedIsOverwritten(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	d, err := db.Open(ctx, "sqlite:"+filepath.Join(dir, "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(ctx, d, "demo", tables()); err != nil {
		t.Fatal(err)
	}
	for i, query := range []string{
		insert, `DELETE FROM demo_account WHERE name LIKE 'planted%'`, insert, `UPDATE demo_account SET name = 'gone' WHERE name LIKE 'planted%'`, insert, insert,
	} {
		args := []any{"planted" + strings.Repeat(" long", 10+i%3*5000), i}
		if query != insert {
			args = nil
		} else if i > 3 {
			args[0] = fmt.Sprintf("other %d", i)
		}
		if _, err := db.Exec(ctx, d, query, args...); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if text, err := os.ReadFile(filepath.Join(dir, f.Name())); err != nil || strings.Contains(string(text), "planted") || strings.Contains(string(text), " long long") {
			t.Errorf("%s still has what was deleted, %v", f.Name(), err)
		}
	}
}

func TestMigrate(t *testing.T) {
	dbtest.Each(t, "demo", tables(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		if err := db.Migrate(ctx, d, "demo", tables()); err != nil {
			t.Errorf("second time: %v", err)
		}
		if err := db.Migrate(ctx, d, "Bad; name", tables()); err == nil {
			t.Error("a bad name was accepted")
		}
		newer := tables()
		newer["migrations/0002_more.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE demo_more (id TEXT);\n")}
		if err := db.Migrate(ctx, d, "demo", newer); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(ctx, d, "demo", tables()); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("an older program on a newer database: %v", err)
		}
		broken := fstest.MapFS{"0001_x.sql": {Data: []byte("-- +goose Up\nCREATE TABLE other_x (id TEXT);\nCREATE NONSENSE;\n")}}
		if err := db.Migrate(ctx, d, "other", broken); err == nil {
			t.Error("a broken migration was accepted")
		}
		if _, err := db.Exec(ctx, d, `SELECT * FROM other_x`); err == nil {
			t.Error("half a migration stayed")
		}
	})
}

func TestCancelledContext(t *testing.T) {
	dbtest.Each(t, "demo", tables(), func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := d.Tx(ctx, func(ctx context.Context, _ db.Querier) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func count(t *testing.T, d *db.DB) int64 {
	t.Helper()
	n, err := db.One(t.Context(), d, db.Int64, `SELECT count(*) FROM demo_account`)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A closed database has everything in its file, also beside another process that has
// it open and does nothing.
func TestCloseLeavesNoLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	open := func() *db.DB {
		d, err := db.Open(t.Context(), "sqlite:"+path)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	beside := open()
	defer func() { _ = beside.Close() }()
	if _, err := db.One(t.Context(), beside, db.Int64, `SELECT count(*) FROM sqlite_master`); err != nil {
		t.Fatal(err)
	}
	d := open()
	if err := db.Migrate(t.Context(), d, "demo", tables()); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		t.Errorf("%d bytes lie beside a closed database", info.Size())
	}
	if n, err := db.One(t.Context(), beside, db.Int64, `SELECT count(*) FROM demo_account`); err != nil || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
}
