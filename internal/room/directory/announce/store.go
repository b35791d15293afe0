package announce

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Change is one thing that became different at this hoster.
type Change struct {
	Seq   int64
	At    core.Moment
	What  string // new, ended, full, open, level, state
	Slug  string // "" = the hoster itself
	Name  string
	Value string // the level or the state
}

// MaxChanges is how many changes are stored.
const MaxChanges = 200

// AddChange takes a change in, and forgets the oldest beyond MaxChanges.
func (a *Announcer) AddChange(ctx context.Context, c Change) error {
	return a.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		last, err := db.One(ctx, q, func(s db.Row) (n int64, err error) { return n, s.Scan(&n) }, `SELECT coalesce(max(seq), 0) FROM directory_change`)
		if err != nil {
			return err
		}
		if _, err := db.Exec(ctx, q, `INSERT INTO directory_change (seq, at_us, what, slug, name, value) VALUES ($1, $2, $3, $4, $5, $6)`,
			last+1, int64(c.At), c.What, c.Slug, c.Name, c.Value); err != nil {
			return err
		}
		_, err = db.Exec(ctx, q, `DELETE FROM directory_change WHERE seq <= $1`, last+1-MaxChanges)
		return err
	})
}

// LastChanges are the newest changes, the newest first.
func (a *Announcer) LastChanges(ctx context.Context, limit int) ([]Change, error) {
	return db.All(ctx, a.n.DB, func(s db.Row) (c Change, err error) {
		return c, s.Scan(&c.Seq, &c.At, &c.What, &c.Slug, &c.Name, &c.Value)
	}, `SELECT seq, at_us, what, slug, name, value FROM directory_change ORDER BY seq DESC LIMIT $1`, limit)
}
