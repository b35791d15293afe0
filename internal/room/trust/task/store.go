package task

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

const columns = `kind, subject, peer, made_us, next_us, tries, error`

func scan(r db.Row) (t Task, err error) {
	return t, r.Scan(&t.Kind, &t.Subject, &t.Peer, &t.Made, &t.Next, &t.Tries, &t.Error)
}

// Put notes what is to be done, at once; what waited for it already waits
// no longer.
func Put(ctx context.Context, q db.Querier, t Task) error {
	_, err := db.Exec(ctx, q, `INSERT INTO trust_task (`+columns+`) VALUES ($1, $2, $3, $4, $5, 0, '')
		ON CONFLICT (kind, subject) DO UPDATE SET peer = $3, next_us = $5`,
		string(t.Kind), t.Subject, string(t.Peer), int64(t.Made), int64(t.Made))
	return err
}

func due(ctx context.Context, q db.Querier, now core.Moment, limit int) ([]Task, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM trust_task
		WHERE next_us <= $1 ORDER BY next_us, kind, subject LIMIT $2`, int64(now), limit)
}

// All lists what is still to be done.
func All(ctx context.Context, q db.Querier) ([]Task, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM trust_task ORDER BY kind, subject`)
}

// claim takes a due task for a while, so that the command line and the
// running node do not both do it, and says whether it was still free.
func claim(ctx context.Context, q db.Querier, t Task, now, until core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE trust_task SET next_us = $3 WHERE kind = $1 AND subject = $2 AND next_us <= $4`,
		string(t.Kind), t.Subject, int64(until), int64(now))
	return n == 1, err
}

// Drop forgets a task.
func Drop(ctx context.Context, q db.Querier, t Task) error {
	_, err := db.Exec(ctx, q, `DELETE FROM trust_task WHERE kind = $1 AND subject = $2`, string(t.Kind), t.Subject)
	return err
}

func postpone(ctx context.Context, q db.Querier, t Task) error {
	_, err := db.Exec(ctx, q, `UPDATE trust_task SET next_us = $3, tries = $4, error = $5 WHERE kind = $1 AND subject = $2`,
		string(t.Kind), t.Subject, int64(t.Next), t.Tries, t.Error)
	return err
}
