package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
)

// maxPrepared bounds the statements that one connection keeps, each of some kilobytes.
const maxPrepared = 64

var errLacking = errors.New("the SQLite driver lacks what kit/db needs of it")

// keeping makes connections that keep the statements they prepared. SQLite parses and plans
// a statement at each call otherwise, which costs several times what running a small one
// does; pgx keeps its own.
type keeping struct{ driver.Connector }

// Connect opens one connection.
func (k keeping) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := c.(sqliteConn)
	if !ok {
		return nil, errors.Join(errLacking, c.Close())
	}
	return &keeper{sqliteConn: full, kept: map[string]*kept{}}, nil
}

// sqliteConn is what the driver's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	pooled
}

// pooled is what the pool asks of a connection.
type pooled interface {
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// keeper is a connection that keeps its statements. Like any driver's it is used by one
// goroutine at a time.
type keeper struct {
	sqliteConn
	kept map[string]*kept
	uses int64
}

// sqliteStmt is what the driver's statements can do.
type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// kept is a statement and what it was prepared from.
type kept struct {
	sqliteStmt
	query string
	used  int64 // the use it was last put back after
}

// take answers a statement that only the caller uses until it gives it back: two readings of
// one query may be open at once on a connection.
func (k *keeper) take(ctx context.Context, query string) (*kept, error) {
	if s, ok := k.kept[query]; ok {
		delete(k.kept, query)
		return s, nil
	}
	s, err := k.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	full, ok := s.(sqliteStmt)
	if !ok {
		return nil, errors.Join(errLacking, s.Close())
	}
	return &kept{sqliteStmt: full, query: query}, nil
}

// give takes a statement back, and drops the one that was not used for longest when there
// are too many. One that failed is not kept.
func (k *keeper) give(s *kept, failed error) error {
	if _, twice := k.kept[s.query]; twice || failed != nil {
		return s.Close()
	}
	k.uses++
	s.used = k.uses
	k.kept[s.query] = s
	if len(k.kept) <= maxPrepared {
		return nil
	}
	oldest := s
	for _, other := range k.kept {
		if other.used < oldest.used {
			oldest = other
		}
	}
	delete(k.kept, oldest.query)
	return oldest.Close()
}

// ExecContext runs a statement, or several.
func (k *keeper) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := k.take(ctx, query)
	if err != nil {
		return nil, err
	}
	res, err := s.ExecContext(ctx, args)
	if back := k.give(s, err); err == nil && back != nil {
		return nil, back
	}
	return res, err
}

// QueryContext reads rows; the statement comes back when they are closed.
func (k *keeper) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := k.take(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		_ = k.give(s, err)
		return nil, err
	}
	return &keptRows{Rows: rows, from: k, of: s}, nil
}

// Close closes every statement, then the connection.
func (k *keeper) Close() error {
	errs := make([]error, 0, len(k.kept)+1)
	for _, s := range k.kept {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, k.sqliteConn.Close())...)
}

// keptRows are rows whose statement goes back to its connection.
type keptRows struct {
	driver.Rows
	from   *keeper
	of     *kept
	failed error
}

// Next reads a row.
func (r *keptRows) Next(dest []driver.Value) error {
	err := r.Rows.Next(dest)
	if err != nil && !errors.Is(err, io.EOF) {
		r.failed = err
	}
	return err
}

// Close ends the reading.
func (r *keptRows) Close() error {
	if r.of == nil {
		return nil
	}
	err := r.Rows.Close()
	s := r.of
	r.of = nil
	return errors.Join(err, r.from.give(s, errors.Join(err, r.failed)))
}
