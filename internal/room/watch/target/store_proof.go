package target

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

func proofs(ctx context.Context, q db.Querier) ([]Proof, error) {
	scan := func(r db.Row) (p Proof, err error) { return p, r.Scan(&p.Owner, &p.Domain, &p.Proved, &p.Tried) }
	return db.All(ctx, q, scan, `SELECT owner, domain, proved_us, tried_us FROM watch_proof`)
}

func putProof(ctx context.Context, d *db.DB, p Proof) error {
	return d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := db.Exec(ctx, q, `INSERT INTO watch_proof (owner, domain, proved_us, tried_us) VALUES ($1, $2, $3, $4)
			ON CONFLICT (owner, domain) DO UPDATE SET proved_us = excluded.proved_us, tried_us = excluded.tried_us`, p.Owner, p.Domain, p.Proved, p.Tried)
		if p.Proved != p.Tried {
			return err // it was tried in vain: what is proved stays as it was
		}
		return changed(ctx, q, err)
	})
}

// forgetProofs drops what nobody tried since: no target is there any more, and none of it
// holds still.
func forgetProofs(ctx context.Context, q db.Querier, before core.Moment) error {
	_, err := db.Exec(ctx, q, `DELETE FROM watch_proof WHERE tried_us < $1`, before)
	return err
}
