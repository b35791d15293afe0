package decision

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// ballot is a vote of ours, with what opens it.
type ballot struct {
	commit   string
	proposal string
	opening  []byte // sealed
	made     core.Moment
	entry    int64 // of its saying
}

func putBallot(ctx context.Context, q db.Querier, b ballot) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_decision_ballot (commitment, proposal, opening, made_us) VALUES ($1, $2, $3, $4) ON CONFLICT (commitment) DO NOTHING`,
		b.commit, b.proposal, b.opening, int64(b.made))
	return err
}

// ballotsOf lists our ballots of a proposal, the oldest first; those that came back with the
// words have no saying.
func ballotsOf(ctx context.Context, q db.Querier, proposal string) ([]ballot, error) {
	return db.All(ctx, q, func(r db.Row) (b ballot, err error) {
		return b, r.Scan(&b.commit, &b.proposal, &b.opening, &b.made, &b.entry)
	}, `SELECT b.commitment, b.proposal, b.opening, b.made_us, coalesce(s.entry, -3) FROM assembly_decision_ballot b
		LEFT JOIN assembly_decision_saying s ON s.id = 'ballot/' || b.commitment WHERE b.proposal = $1 ORDER BY b.made_us, b.commitment`, proposal)
}

func dropBallot(ctx context.Context, q db.Querier, commit string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM assembly_decision_ballot WHERE commitment = $1`, commit)
	return err
}

// waiting is a vote that waits for a second admin.
type waiting struct {
	vote []byte // sealed
	who  string
	made core.Moment
}

func putWaiting(ctx context.Context, q db.Querier, proposal string, w waiting) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_decision_waiting (proposal, vote, who, made_us) VALUES ($1, $2, $3, $4)
		ON CONFLICT (proposal) DO UPDATE SET vote = excluded.vote, who = excluded.who, made_us = excluded.made_us`, proposal, w.vote, w.who, int64(w.made))
	return err
}

func getWaiting(ctx context.Context, q db.Querier, proposal string) (w waiting, ok bool, err error) {
	w, err = db.One(ctx, q, func(r db.Row) (w waiting, err error) { return w, r.Scan(&w.vote, &w.who, &w.made) },
		`SELECT vote, who, made_us FROM assembly_decision_waiting WHERE proposal = $1`, proposal)
	if errors.Is(err, db.ErrNoRow) {
		return w, false, nil
	}
	return w, err == nil, err
}

func dropWaiting(ctx context.Context, q db.Querier, proposal string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM assembly_decision_waiting WHERE proposal = $1`, proposal)
	return err
}

func noticed(ctx context.Context, q db.Querier, proposal, what string) (bool, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM assembly_decision_notice WHERE proposal = $1 AND what = $2`, proposal, what)
	return n > 0, err
}

func setNoticed(ctx context.Context, q db.Querier, proposal, what string, at core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_decision_notice (proposal, what, done_us) VALUES ($1, $2, $3) ON CONFLICT (proposal, what) DO NOTHING`, proposal, what, int64(at))
	return err
}
