package rehearsal

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/custody/share"
)

const columns = `deal, scope, k, n, content, ask, begun_us, asked_us, done_us, released, bad`

func scan(r db.Row) (o Rehearsal, err error) {
	return o, r.Scan(&o.Deal, &o.Scope, &o.K, &o.N, &o.content, &o.Ask, &o.Begun, &o.Asked, &o.Done, &o.Released, &o.Bad)
}

func insert(ctx context.Context, q db.Querier, o Rehearsal) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_dummy (deal, scope, k, n, content, begun_us) VALUES ($1, $2, $3, $4, $5, $6)`,
		string(o.Deal), o.Scope, o.K, o.N, o.content, int64(o.Begun))
	return err
}

// under is the rehearsal that goes on; false = none does.
func under(ctx context.Context, q db.Querier, since core.Moment) (Rehearsal, bool, error) {
	o, err := db.One(ctx, q, scan, `SELECT `+columns+` FROM custody_dummy WHERE done_us = 0 AND begun_us > $1 ORDER BY begun_us DESC, deal LIMIT 1`, int64(since))
	if errors.Is(err, db.ErrNoRow) {
		return o, false, nil
	}
	return o, err == nil, err
}

func list(ctx context.Context, q db.Querier) ([]Rehearsal, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM custody_dummy ORDER BY begun_us DESC, deal LIMIT 200`)
}

func setAsked(ctx context.Context, q db.Querier, deal share.ID, ask string, at core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_dummy SET ask = $2, asked_us = $3 WHERE deal = $1 AND asked_us = 0`, string(deal), ask, int64(at))
	return err
}

func setReleased(ctx context.Context, q db.Querier, o Rehearsal) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_dummy SET released = $2, bad = $3, done_us = $4 WHERE deal = $1 AND done_us = 0`, string(o.Deal), o.Released, o.Bad, int64(o.Done))
	return err
}
