package audit

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

const columns = `number, at_us, person, kind, by, about, network, agent, salt, veil, hash`

func scan(r db.Row) (w row, err error) {
	return w, r.Scan(&w.Number, &w.At, &w.Person, &w.Kind, &w.By, &w.About, &w.From.Network, &w.From.Agent, &w.salt, &w.veil, &w.hash)
}

// end is where the chain ends: the last row, or the root when no row is left.
type end struct {
	number int64
	hash   string
}

func scanEnd(r db.Row) (e end, err error) { return e, r.Scan(&e.number, &e.hash) }

func root(ctx context.Context, q db.Querier) (end, error) {
	at, err := db.One(ctx, q, scanEnd, `SELECT number, hash FROM identity_audit_root WHERE name = 'root'`)
	if errors.Is(err, db.ErrNoRow) {
		return end{}, nil
	}
	return at, err
}

func last(ctx context.Context, q db.Querier) (end, error) {
	at, err := db.One(ctx, q, scanEnd, `SELECT number, hash FROM identity_audit ORDER BY number DESC LIMIT 1`)
	if errors.Is(err, db.ErrNoRow) {
		return root(ctx, q)
	}
	return at, err
}

func insert(ctx context.Context, q db.Querier, w row) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_audit (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		w.Number, int64(w.At), string(w.Person), string(w.Kind), string(w.By), w.About, w.From.Network, w.From.Agent, w.salt, w.veil, w.hash)
	return err
}

// rows reads the chain after a number, in order.
func rows(ctx context.Context, q db.Querier, after int64, limit int) ([]row, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM identity_audit WHERE number > $1 ORDER BY number LIMIT $2`, after, limit)
}

// of reads a person's rows, newest first, those before a number (0: from the newest).
func of(ctx context.Context, q db.Querier, who person.ID, before int64, limit int) ([]row, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM identity_audit WHERE person = $1 AND ($2 = 0 OR number < $2) ORDER BY number DESC LIMIT $3`,
		string(who), before, limit)
}

// unshortened reads rows older than a moment that hold a whole network still.
func unshortened(ctx context.Context, q db.Querier, before core.Moment, limit int) ([]row, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM identity_audit WHERE at_us < $1 AND salt <> '' ORDER BY at_us LIMIT $2`, int64(before), limit)
}

func shorten(ctx context.Context, q db.Querier, number int64, network string) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_audit SET network = $2, agent = '', salt = '' WHERE number = $1`, number, network)
	return err
}

// lastBefore is the end of what is older than a moment, from the chain's beginning.
func lastBefore(ctx context.Context, q db.Querier, before core.Moment) (end, bool, error) {
	at, err := db.One(ctx, q, scanEnd, `SELECT number, hash FROM identity_audit WHERE at_us < $1
		AND number < (SELECT coalesce(min(number), 9223372036854775807) FROM identity_audit WHERE at_us >= $1) ORDER BY number DESC LIMIT 1`, int64(before))
	if errors.Is(err, db.ErrNoRow) {
		return end{}, false, nil
	}
	return at, err == nil, err
}

func cut(ctx context.Context, q db.Querier, at end) error {
	if _, err := db.Exec(ctx, q, `INSERT INTO identity_audit_root (name, number, hash) VALUES ('root', $1, $2)
		ON CONFLICT (name) DO UPDATE SET number = excluded.number, hash = excluded.hash`, at.number, at.hash); err != nil {
		return err
	}
	_, err := db.Exec(ctx, q, `DELETE FROM identity_audit WHERE number <= $1`, at.number)
	return err
}
