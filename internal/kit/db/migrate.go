package db

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"

	"entrechat/internal/core"
)

var roomName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

// Migrate brings one room's tables up to date. name is the room's: the versions
// are kept in the table <name>_migration, so each room goes its own way. fsys
// holds goose files (NNNN_x.sql) at its root or in migrations/, the way
// //go:embed leaves them. Processes that start together wait for each other.
//
// Returns CodeInvalid when the tables were made by a newer entrechat and
// CodeInternal, naming the file, when a migration fails; what ran before it stays.
func Migrate(ctx context.Context, d *DB, name string, fsys fs.FS) error {
	if !roomName.MatchString(name) {
		return fmt.Errorf("migrate: %q is not a room's name", name)
	}
	if sub, err := fs.Sub(fsys, "migrations"); err == nil && isDir(sub) {
		fsys = sub
	}
	provider, err := d.provider(name, fsys)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", name, err)
	}
	unlock, err := d.alone(ctx)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", name, err)
	}
	defer unlock()
	have, want, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", name, edge(err))
	}
	if have > want {
		return core.Invalid("db.newer", fmt.Errorf("migrate %s: database is at version %d, this program knows %d", name, have, want)).
			With("Room", name)
	}
	if have < want && d.guard != nil {
		if err := d.guard(); err != nil {
			return err
		}
	}
	if _, err := provider.Up(ctx); err != nil {
		if kindOf(err) != other {
			return edge(fmt.Errorf("migrate %s: %w", name, err))
		}
		return core.Internal("db.migration_failed", engineError{fmt.Errorf("migrate %s: %w", name, err)}).With("Room", name)
	}
	return nil
}

// Guard has allow asked before tables change; its error is what Migrate returns then. Set
// it before the first Migrate.
func (d *DB) Guard(allow func() error) { d.guard = allow }

func (d *DB) provider(name string, fsys fs.FS) (*goose.Provider, error) {
	dialect := database.DialectSQLite3
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if d.engine == Postgres {
		dialect = database.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	store, err := database.NewStore(dialect, name+"_migration")
	if err != nil {
		return nil, err
	}
	options = append(options, goose.WithStore(store))
	return goose.NewProvider(goose.DialectCustom, d.pool, fsys, options...)
}

func isDir(fsys fs.FS) bool {
	info, err := fs.Stat(fsys, ".")
	return err == nil && info.IsDir()
}
