package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"entrechat/internal/core"
)

// The values of [DB.Engine].
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// DB is an open database, safe for concurrent use by many goroutines; several
// processes may have the same database open.
type DB struct {
	guard  func() error // asked before tables change; nil = they may
	pool   *sql.DB
	engine string
	path   string // the SQLite file; empty for PostgreSQL
	// write lets one goroutine of this process write to SQLite at a time.
	// SQLite's own waiting is by polling, which starves writers under load;
	// it is still what keeps processes apart. nil for PostgreSQL.
	write  chan struct{}
	guests chan struct{} // the connections that guests hold
	flush  func() error  // what Close does before it closes
}

// Querier is what a store runs its SQL on: the database or one transaction.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Open opens "sqlite:/path/file.db", made when missing (its folder is not), or
// "postgres://user@host/name". The caller closes it. Returns CodeInvalid for any
// other URL and CodeUnsure when the database does not answer.
func Open(ctx context.Context, url string) (*DB, error) {
	scheme, rest, _ := strings.Cut(url, ":")
	var d *DB
	var err error
	switch scheme {
	case SQLite:
		d, err = openSQLite(rest)
	case Postgres, "postgresql":
		d, err = openPostgres(url)
	default:
		// The rest of the URL may hold a password: only the scheme is repeated.
		return nil, core.Invalid("db.bad_address", fmt.Errorf("database scheme %.20q is neither sqlite nor postgres", scheme))
	}
	if err != nil {
		return nil, err
	}
	if err := d.ping(ctx); err != nil {
		_ = d.pool.Close()
		return nil, opening(fmt.Errorf("open %s database: %w", d.engine, err))
	}
	d.flush = func() error { return d.emptyLog(context.WithoutCancel(ctx)) }
	return d, nil
}

func (d *DB) ping(ctx context.Context) error {
	release, err := d.alone(ctx)
	if err != nil {
		return err
	}
	defer release()
	return d.pool.PingContext(ctx)
}

// Close waits for running statements and closes every connection. SQLite's log is
// written into the database file before: one damaged bit of a log that stays beside it
// makes SQLite drop everything after that bit, without a word. While another process
// has the database open the log is its own; the last one to close empties it.
func (d *DB) Close() error { return errors.Join(d.flush(), d.pool.Close()) }

// Engine is SQLite or Postgres.
func (d *DB) Engine() string { return d.engine }

// ExecContext runs a statement in a transaction of its own.
func (d *DB) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	leave, err := d.admit(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	release, err := d.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return d.pool.ExecContext(ctx, query, args...)
}

// QueryContext reads rows; the caller closes them.
func (d *DB) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return d.pool.QueryContext(ctx, query, args...)
}

// QueryRowContext reads one row.
func (d *DB) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return d.pool.QueryRowContext(ctx, query, args...)
}

// maxWait bounds how long a writer waits for its turn, in this process and
// again inside SQLite.
const maxWait = 10 * time.Second

// turn waits until this goroutine may write. Writing on the database while in a
// transaction of the same database would wait for itself: that is refused at
// once, on both engines, as it is a mistake in the calling code.
func (d *DB) turn(ctx context.Context) (release func(), err error) {
	if ctx.Value(inTx{d}) != nil {
		return nil, core.Internal("db.nested", fmt.Errorf("a transaction must write through its own Querier"))
	}
	if d.write == nil {
		return func() {}, nil
	}
	patience := time.NewTimer(maxWait)
	defer patience.Stop()
	select {
	case d.write <- struct{}{}:
		return func() { <-d.write }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-patience.C:
		return nil, core.Unsure("db.busy", fmt.Errorf("another write has held the database for %s", maxWait))
	}
}
