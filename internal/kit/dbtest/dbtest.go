package dbtest

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/kit/db"
)

// Each runs fn as the subtests "sqlite" and "postgres", each on an empty
// database that name's migrations were applied to; nil migrations means none.
// A machine without PostgreSQL fails the test and says what to install.
func Each(t *testing.T, name string, migrations fs.FS, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run(db.SQLite, func(t *testing.T) { fn(t, SQLite(t, name, migrations)) })
	t.Run(db.Postgres, func(t *testing.T) { fn(t, Postgres(t, name, migrations)) })
}

// SQLite opens a new database in a temporary file, for tests of something else
// than SQL. It is closed with the test.
func SQLite(t testing.TB, name string, migrations fs.FS) *db.DB {
	t.Helper()
	address := Address(t)
	if migrations == nil {
		return open(t, address, name, nil)
	}
	file, err := template(name, migrations)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(strings.TrimPrefix(address, "sqlite:"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, address, name, nil)
}

// Address names a new SQLite file that goes with the test, for a test that opens
// the database itself.
func Address(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
}

// Postgres opens a new database in the test binary's cluster. It is closed and
// dropped with the test.
func Postgres(t testing.TB, name string, migrations fs.FS) *db.DB {
	t.Helper()
	return open(t, PostgresURL(t), name, migrations)
}

// PostgresURL is a new and empty database in the test binary's cluster, which is dropped with the test:
// postgres:///NAME?host=FOLDER&user=USER&sslmode=disable.
func PostgresURL(t testing.TB) string {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	database, err := c.create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.drop(context.WithoutCancel(t.Context()), database); err != nil {
			t.Error(err)
		}
	})
	return c.url(database)
}

func open(t testing.TB, url, name string, migrations fs.FS) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if migrations != nil {
		if err := db.Migrate(t.Context(), d, name, migrations); err != nil {
			t.Fatal(err)
		}
	}
	return d
}
