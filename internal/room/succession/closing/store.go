package closing

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/closing/stage"
	"entrechat/internal/room/succession/promise"
)

// Bounds of one logbook; what is beyond is passed over.
const (
	maxEntries = 2000
	maxPacts   = 2000
)

func scanHeard(r db.Row) (h stage.Heard, err error) {
	var body string
	if err := r.Scan(&h.Owner, &h.Index, &body, &h.At, &h.Notice); err != nil {
		return h, err
	}
	return h, wire.Peek([]byte(body), &h.Say)
}

// put keeps an entry once. More than maxEntries of an owner, or promise.MaxServices, are passed over.
func put(ctx context.Context, q db.Querier, h stage.Heard) error {
	body, err := wire.Encode(h.Say)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO succession_closing (owner, idx, service, body, said_us)
		SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT)
		WHERE (SELECT count(*) FROM succession_closing WHERE owner = $1) < $6
		  AND ((SELECT count(DISTINCT service) FROM succession_closing WHERE owner = $1) < $7
		       OR EXISTS (SELECT 1 FROM succession_closing WHERE owner = $1 AND service = $3))
		ON CONFLICT (owner, idx) DO NOTHING`,
		string(h.Owner), h.Index, h.Service, string(body), int64(h.At), maxEntries, promise.MaxServices)
	return err
}

// entries lists an owner's in order, each with the longest notice of the pacts that stood in the
// same logbook before it; of all owners for "".
func entries(ctx context.Context, q db.Querier, owner core.MemberID) ([]stage.Heard, error) {
	return db.All(ctx, q, scanHeard, `SELECT c.owner, c.idx, c.body, c.said_us,
		  (SELECT coalesce(max(p.days), 0) FROM succession_pact p WHERE p.owner = c.owner AND p.idx < c.idx AND (p.end_idx < 0 OR p.end_idx > c.idx))
		FROM succession_closing c WHERE c.owner = $1 OR $1 = '' ORDER BY c.owner, c.idx`, string(owner))
}

// longest is the longest notice of the pacts that stand in a logbook now, in days.
func longest(ctx context.Context, q db.Querier, owner core.MemberID) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT coalesce(max(days), 0) FROM succession_pact WHERE owner = $1 AND end_idx < 0`, string(owner))
}

// putPact keeps what a logbook says of a pact.
func putPact(ctx context.Context, q db.Querier, e logbook.Entry, b pactBody) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_pact (owner, pact, days, idx, end_idx)
		SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($4 AS BIGINT), -1
		WHERE (SELECT count(*) FROM succession_pact WHERE owner = $1) < $5
		ON CONFLICT (owner, pact) DO NOTHING`, string(e.Log), b.Pact, b.NoticeDays, e.Index, maxPacts)
	return err
}

func endPact(ctx context.Context, q db.Querier, owner core.MemberID, pact string, index int64) error {
	_, err := db.Exec(ctx, q, `UPDATE succession_pact SET end_idx = $3 WHERE owner = $1 AND pact = $2 AND end_idx < 0 AND idx < $3`, string(owner), pact, index)
	return err
}

// drop forgets what a logbook said from an index on.
func drop(ctx context.Context, q db.Querier, owner core.MemberID, index int64) error {
	for _, query := range []string{
		`DELETE FROM succession_closing WHERE owner = $1 AND idx >= $2`,
		`DELETE FROM succession_pact WHERE owner = $1 AND idx >= $2`,
		`UPDATE succession_pact SET end_idx = -1 WHERE owner = $1 AND end_idx >= $2`,
		`DELETE FROM succession_said WHERE member = $1 AND idx >= $2`,
	} {
		if _, err := db.Exec(ctx, q, query, string(owner), index); err != nil {
			return err
		}
	}
	return nil
}
