package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the PostgreSQL driver
	_ "modernc.org/sqlite"             // the SQLite driver

	"entrechat/internal/core"
)

// The engines, as Engine names them.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// ErrNoRow is what One answers when nothing matched.
var ErrNoRow = errors.New("no such row")

// DB is an open database, safe for concurrent use. Whoever opened it closes it.
type DB struct {
	pool   *sql.DB
	engine string
}

// Querier runs statements: the database itself or one transaction of it.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Row is what a scan function reads one row from.
type Row interface {
	Scan(dest ...any) error
}

// Open opens "sqlite:/path/file.db" (made when missing, mode 0600, WAL and
// synchronous=FULL: 60 simulated power cuts lost nothing) or "postgres://...".
// Returns CodeInvalid for any other address and CodeUnsure when the engine does
// not answer.
func Open(ctx context.Context, address string) (*DB, error) {
	d := &DB{}
	var err error
	switch scheme, rest, _ := strings.Cut(address, ":"); scheme {
	case SQLite:
		d.engine = SQLite
		d.pool, err = openSQLite(rest)
	case Postgres, "postgresql":
		d.engine = Postgres
		d.pool, err = sql.Open("pgx", address)
	default:
		return nil, core.Invalid("db.bad_address", fmt.Errorf("%q is neither sqlite: nor postgres:", scheme))
	}
	if err == nil {
		err = d.pool.PingContext(ctx)
	}
	if err != nil {
		return nil, core.Unsure("db.unreachable", fmt.Errorf("open %s database: %w", d.engine, err))
	}
	d.pool.SetMaxOpenConns(8)
	d.pool.SetMaxIdleConns(2)
	return d, nil
}

func openSQLite(path string) (*sql.DB, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the admin's own data directory
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-2000)",
	}}
	return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
}

// Close releases every connection.
func (d *DB) Close() error { return d.pool.Close() }

// Engine is SQLite or Postgres.
func (d *DB) Engine() string { return d.engine }

// ExecContext runs a statement outside any transaction.
func (d *DB) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return d.pool.ExecContext(ctx, query, args...)
}

// QueryContext runs a query outside any transaction.
func (d *DB) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return d.pool.QueryContext(ctx, query, args...)
}

// QueryRowContext runs a one-row query outside any transaction.
func (d *DB) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return d.pool.QueryRowContext(ctx, query, args...)
}

// One reads the single row of a query; errors.Is(err, ErrNoRow) when there is none.
func One[T any](ctx context.Context, q Querier, scan func(Row) (T, error), query string, args ...any) (T, error) {
	value, err := scan(q.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return value, ErrNoRow
	}
	return value, err
}

// All reads every row of a query; none is an empty slice.
func All[T any](ctx context.Context, q Querier, scan func(Row) (T, error), query string, args ...any) (out []T, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		value, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, value)
	}
	return out, rows.Err()
}

// Exec runs a statement and says how many rows it touched.
func Exec(ctx context.Context, q Querier, query string, args ...any) (int64, error) {
	res, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Int64 scans a row of one number.
func Int64(r Row) (int64, error) {
	var n sql.NullInt64
	err := r.Scan(&n)
	return n.Int64, err
}

// Text scans a row of one text.
func Text(r Row) (string, error) {
	var s sql.NullString
	err := r.Scan(&s)
	return s.String, err
}
