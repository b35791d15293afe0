package db

import (
	"context"
	"database/sql"
	"fmt"
)

// Row is what a scan function reads: one row of either engine.
type Row interface {
	Scan(dest ...any) error
}

// One reads the first row. It returns [ErrNoRow] when there is none, CodeUnsure
// when the database is busy beyond its timeout and CodeFull when the disk is.
func One[T any](ctx context.Context, q Querier, scan func(Row) (T, error), query string, args ...any) (T, error) {
	var zero T
	leave, err := admitTo(ctx, q)
	if err != nil {
		return zero, edge(err)
	}
	defer leave()
	v, err := scan(q.QueryRowContext(ctx, query, args...))
	if err != nil {
		return zero, edge(err)
	}
	return v, nil
}

// All reads every row into memory: bound the query with LIMIT where the table
// can grow. No row is an empty result, not an error. Codes as for [One].
func All[T any](ctx context.Context, q Querier, scan func(Row) (T, error), query string, args ...any) ([]T, error) {
	leave, err := admitTo(ctx, q)
	if err != nil {
		return nil, edge(err)
	}
	defer leave()
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, edge(err)
	}
	defer func() { _ = rows.Close() }() // closed by the last Next; this is for early returns
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, edge(err)
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return nil, edge(err)
	}
	return all, nil
}

// Exec runs a statement and says how many rows it changed. Codes as for [One].
func Exec(ctx context.Context, q Querier, query string, args ...any) (rows int64, err error) {
	res, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, edge(err)
	}
	rows, err = res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("count changed rows: %w", err)
	}
	return rows, nil
}

// Int64 scans a row of one number; NULL, as sum() gives over no rows, is 0.
func Int64(r Row) (int64, error) {
	var n sql.NullInt64
	err := r.Scan(&n)
	return n.Int64, err
}

// Text scans a row of one text; NULL is "".
func Text(r Row) (string, error) {
	var s sql.NullString
	err := r.Scan(&s)
	return s.String, err
}
