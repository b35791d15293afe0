package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"
)

// retries bounds how often a PostgreSQL transaction is tried again after a
// serialization failure; lnd measured 20 to be plenty under load.
const retries = 20

// Tx runs fn in one transaction with the same guarantee on both engines: SQLite
// takes the write lock at once, PostgreSQL is SERIALIZABLE and tries again on a
// serialization failure, so fn may run several times and must not act outside
// the database. A commit that fails may have happened: operations carry ids.
func (d *DB) Tx(ctx context.Context, fn func(ctx context.Context, q Querier) error) error {
	for attempt := 0; ; attempt++ {
		err := d.tryTx(ctx, fn)
		if err == nil || !isSerialization(err) || attempt >= retries || ctx.Err() != nil {
			return err
		}
	}
}

func (d *DB) tryTx(ctx context.Context, fn func(ctx context.Context, q Querier) error) (err error) {
	var options *sql.TxOptions
	if d.engine == Postgres {
		options = &sql.TxOptions{Isolation: sql.LevelSerializable}
	}
	tx, err := d.pool.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	// After Commit the rollback is a no-op that says so; after a panic it is the
	// only thing that frees the write lock.
	defer func() {
		if rerr := tx.Rollback(); rerr != nil && !errors.Is(rerr, sql.ErrTxDone) {
			err = errors.Join(err, rerr)
		}
	}()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func isSerialization(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// IsDuplicate says whether a statement broke a primary key or unique constraint.
func IsDuplicate(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) &&
		(lite.Code() == sqlitelib.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlitelib.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// IsFull says whether the disk below the database is full.
func IsFull(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) && lite.Code() == sqlitelib.SQLITE_FULL {
		return true
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "53100" || err != nil && strings.Contains(err.Error(), "no space left on device")
}
