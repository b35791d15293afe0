package db

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"entrechat/internal/core"
)

// Migrate brings the tables of one room or kit up to date. Each has its own
// version table, <name>_migration, so that a room can come and go alone. fsys
// holds the goose files (0001_first.sql ...) at its root. Returns CodeInternal
// with the file that failed; what ran before it stays.
func Migrate(ctx context.Context, d *DB, name string, fsys fs.FS) error {
	dialect := database.DialectSQLite3
	if d.engine == Postgres {
		dialect = database.DialectPostgres
	}
	versions, err := database.NewStore(dialect, name+"_migration")
	if err != nil {
		return fmt.Errorf("migrate %s: %w", name, err)
	}
	provider, err := goose.NewProvider("", d.pool, fsys, goose.WithStore(versions))
	if err != nil {
		return fmt.Errorf("migrate %s: %w", name, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return core.Internal("db.migration_failed", fmt.Errorf("migrate %s: %w", name, err)).With("Room", name)
	}
	return nil
}
