package referral

import (
	"context"

	"entrechat/internal/kit/db"
	"entrechat/internal/room/directory/catalogue"
)

// Chosen are the hosters we send people to, by kind, in order.
func (r *Referral) Chosen(ctx context.Context) (map[catalogue.Kind][]string, error) {
	type row struct {
		kind   catalogue.Kind
		hoster string
	}
	rows, err := db.All(ctx, r.n.DB, func(s db.Row) (w row, err error) { return w, s.Scan(&w.kind, &w.hoster) },
		`SELECT kind, hoster FROM directory_referral ORDER BY kind, rank, hoster`)
	out := map[catalogue.Kind][]string{}
	for _, w := range rows {
		out[w.kind] = append(out[w.kind], w.hoster)
	}
	return out, err
}

// SetChosen replaces what was chosen for a kind.
func (r *Referral) SetChosen(ctx context.Context, kind catalogue.Kind, hosters []string) error {
	return r.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := db.Exec(ctx, q, `DELETE FROM directory_referral WHERE kind = $1`, string(kind)); err != nil {
			return err
		}
		for i, key := range hosters {
			if _, err := db.Exec(ctx, q, `INSERT INTO directory_referral (kind, hoster, rank) VALUES ($1, $2, $3)`, string(kind), key, i); err != nil {
				return err
			}
		}
		return nil
	})
}
