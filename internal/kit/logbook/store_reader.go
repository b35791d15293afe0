package logbook

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// getReaderSeq is the change up to which a reader was told everything.
func getReaderSeq(ctx context.Context, q db.Querier, reader string) (int64, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT seq FROM logbook_reader WHERE name = $1`, reader)
	if errors.Is(err, db.ErrNoRow) {
		return 0, nil
	}
	return n, err
}

func putReaderSeq(ctx context.Context, q db.Querier, reader string, seq int64) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_reader (name, seq) VALUES ($1,$2)
		ON CONFLICT (name) DO UPDATE SET seq = excluded.seq WHERE logbook_reader.seq < excluded.seq`, reader, seq)
	return err
}

// readerOf is one reader's of one member.
type readerOf struct {
	reader string
	member core.MemberID
}

// cursor is how far a reader was told of one member.
type cursor struct {
	next int64
	cut  int64 // -1 = nothing was taken back
}

func getCursor(ctx context.Context, q db.Querier, reader string, id core.MemberID) (cursor, error) {
	c, err := db.One(ctx, q, func(r db.Row) (c cursor, err error) {
		err = r.Scan(&c.next, &c.cut)
		return c, err
	}, `SELECT next, cut FROM logbook_cursor WHERE reader = $1 AND member = $2`, reader, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return cursor{cut: -1}, nil
	}
	return c, err
}

// moveCursor goes from one place to the next, unless another process moved it
// meanwhile or a cut waits to be told.
func moveCursor(ctx context.Context, q db.Querier, at readerOf, from, to int64) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_cursor (reader, member, next, cut) VALUES ($1,$2,$4,-1)
		ON CONFLICT (reader, member) DO UPDATE SET next = $4 WHERE logbook_cursor.next = $3 AND logbook_cursor.cut < 0`,
		at.reader, string(at.member), from, to)
	return err
}

func clearCut(ctx context.Context, q db.Querier, reader string, id core.MemberID, cut int64) error {
	_, err := db.Exec(ctx, q, `UPDATE logbook_cursor SET cut = -1 WHERE reader = $1 AND member = $2 AND cut = $3`, reader, string(id), cut)
	return err
}

// cutCursors takes every reader back to an index whose entries were taken back.
func cutCursors(ctx context.Context, q db.Querier, id core.MemberID, index int64) error {
	_, err := db.Exec(ctx, q, `UPDATE logbook_cursor SET next = $2,
		cut = CASE WHEN cut >= 0 AND cut < $2 THEN cut ELSE $2 END WHERE member = $1 AND next > $2`, string(id), index)
	return err
}
