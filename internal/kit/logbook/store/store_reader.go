package store

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// GetReaderSeq is the change up to which a reader was told everything.
func GetReaderSeq(ctx context.Context, q db.Querier, reader string) (int64, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT seq FROM logbook_reader WHERE name = $1`, reader)
	if errors.Is(err, db.ErrNoRow) {
		return 0, nil
	}
	return n, err
}

// PutReaderSeq notes the change up to which a reader was told everything; it never goes back.
func PutReaderSeq(ctx context.Context, q db.Querier, reader string, seq int64) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_reader (name, seq) VALUES ($1,$2)
		ON CONFLICT (name) DO UPDATE SET seq = excluded.seq WHERE logbook_reader.seq < excluded.seq`, reader, seq)
	return err
}

// ReaderOf is one reader's of one member.
type ReaderOf struct {
	Reader string
	Member core.MemberID
}

// Cursor is how far a reader was told of one member.
type Cursor struct {
	Next      int64
	Truncated int64 // -1 = nothing was taken back
}

// GetCursor reads how far a reader was told of a member; the zero place when it was told
// nothing.
func GetCursor(ctx context.Context, q db.Querier, reader string, id core.MemberID) (Cursor, error) {
	c, err := db.One(ctx, q, func(r db.Row) (c Cursor, err error) {
		err = r.Scan(&c.Next, &c.Truncated)
		return c, err
	}, `SELECT next, truncated FROM logbook_cursor WHERE reader = $1 AND member = $2`, reader, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return Cursor{Truncated: -1}, nil
	}
	return c, err
}

// MoveCursor goes from one place to the next, unless another process moved it
// meanwhile or something that was taken back waits to be told.
func MoveCursor(ctx context.Context, q db.Querier, at ReaderOf, from, to int64) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_cursor (reader, member, next, truncated) VALUES ($1,$2,$4,-1)
		ON CONFLICT (reader, member) DO UPDATE SET next = $4 WHERE logbook_cursor.next = $3 AND logbook_cursor.truncated < 0`,
		at.Reader, string(at.Member), from, to)
	return err
}

// ClearTruncated notes that a reader was told of what was taken back from an index on.
func ClearTruncated(ctx context.Context, q db.Querier, reader string, id core.MemberID, index int64) error {
	_, err := db.Exec(ctx, q, `UPDATE logbook_cursor SET truncated = -1 WHERE reader = $1 AND member = $2 AND truncated = $3`, reader, string(id), index)
	return err
}

// TruncateCursors takes every reader back to an index whose entries were taken back.
func TruncateCursors(ctx context.Context, q db.Querier, id core.MemberID, index int64) error {
	_, err := db.Exec(ctx, q, `UPDATE logbook_cursor SET next = $2,
		truncated = CASE WHEN truncated >= 0 AND truncated < $2 THEN truncated ELSE $2 END WHERE member = $1 AND next > $2`, string(id), index)
	return err
}
