package proof

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/custody/share"
)

// seen is a proof that was judged here.
type seen struct {
	number  int64
	period  string
	verdict Verdict
	at      core.Moment
}

// put keeps the verdict of a proof: of a month the last one counts.
func put(ctx context.Context, q db.Querier, id share.ID, s seen) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_proof (deal, number, period, verdict, at_us) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (deal, number, period) DO UPDATE SET verdict = excluded.verdict, at_us = excluded.at_us`,
		string(id), s.number, s.period, string(s.verdict), int64(s.at))
	return err
}

// allSeen lists the verdicts of a deal by share and month.
func allSeen(ctx context.Context, q db.Querier, id share.ID) ([]seen, error) {
	return db.All(ctx, q, func(r db.Row) (s seen, err error) { return s, r.Scan(&s.number, &s.period, &s.verdict, &s.at) },
		`SELECT number, period, verdict, at_us FROM custody_proof WHERE deal = $1 ORDER BY number, period, at_us`, string(id))
}

// sent says whether a member has our proof of a month.
func sent(ctx context.Context, q db.Querier, id share.ID, period string, to core.MemberID) (bool, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM custody_proof_sent WHERE deal = $1 AND period = $2 AND member = $3`, string(id), period, string(to))
	return n > 0, err
}

func putSent(ctx context.Context, q db.Querier, id share.ID, period string, to core.MemberID) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_proof_sent (deal, period, member) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, string(id), period, string(to))
	return err
}

// said is what our logbook last said of a deal.
type said struct {
	period string
	proved int64
}

func lastSaid(ctx context.Context, q db.Querier, id share.ID) (said, error) {
	s, err := db.One(ctx, q, func(r db.Row) (s said, err error) { return s, r.Scan(&s.period, &s.proved) },
		`SELECT period, proved FROM custody_proof_said WHERE deal = $1`, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return said{}, nil
	}
	return s, err
}

func putSaid(ctx context.Context, q db.Querier, id share.ID, s said) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_proof_said (deal, period, proved) VALUES ($1, $2, $3)
		ON CONFLICT (deal) DO UPDATE SET period = excluded.period, proved = excluded.proved`, string(id), s.period, s.proved)
	return err
}

// drop forgets proofs that were seen before a moment.
func drop(ctx context.Context, q db.Querier, before core.Moment) error {
	if _, err := db.Exec(ctx, q, `DELETE FROM custody_proof WHERE at_us < $1`, int64(before)); err != nil {
		return err
	}
	_, err := db.Exec(ctx, q, `DELETE FROM custody_proof_sent WHERE period < $1`, PeriodOf(before))
	return err
}
