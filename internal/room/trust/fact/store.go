package fact

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Place is where in a logbook a fact stands.
type Place struct {
	Log   core.MemberID
	Index int64
	Hash  string
}

// Note takes note of an entry and says whether it is new here. Another entry
// in a place already seen means that the logbook was cut back: what came from
// there on no longer holds.
func Note(ctx context.Context, q db.Querier, p Place) (bool, error) {
	seen, err := db.One(ctx, q, db.Text, `SELECT hash FROM trust_seen WHERE log = $1 AND idx = $2`, string(p.Log), p.Index)
	if err == nil && seen == p.Hash {
		return false, nil
	}
	if err == nil {
		err = Rewind(ctx, q, p)
	}
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return false, err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO trust_seen (log, idx, hash) VALUES ($1, $2, $3)`, string(p.Log), p.Index, p.Hash)
	return err == nil, err
}

// Rewind drops what a logbook said from a place on.
func Rewind(ctx context.Context, q db.Querier, p Place) error {
	for _, stmt := range []string{
		`DELETE FROM trust_seen WHERE log = $1 AND idx >= $2`,
		`DELETE FROM trust_vouch WHERE log = $1 AND idx >= $2`,
		`DELETE FROM trust_join WHERE log = $1 AND idx >= $2`,
	} {
		if _, err := db.Exec(ctx, q, stmt, string(p.Log), p.Index); err != nil {
			return err
		}
	}
	return Changed(ctx, q, nil)
}

// Forget drops everything a logbook said.
func Forget(ctx context.Context, q db.Querier, log core.MemberID) error {
	return Rewind(ctx, q, Place{Log: log})
}

// Changed notes that a member, a vouch, a join or a charter changed, in the transaction
// that changes it; err is what the change ended with. Every store that writes one of them
// ends with it.
func Changed(ctx context.Context, q db.Querier, err error) error {
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO trust_revision (id, n) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = trust_revision.n + 1`)
	return err
}

// Revision grows with every change of a member, a vouch, a join or a charter.
func Revision(ctx context.Context, q db.Querier) (int64, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT n FROM trust_revision WHERE id = 1`)
	if errors.Is(err, db.ErrNoRow) {
		return 0, nil
	}
	return n, err
}
