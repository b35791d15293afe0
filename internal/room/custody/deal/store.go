package deal

import (
	"context"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/share"
)

// row is a deal of ours.
type row struct {
	Signed
	state  State
	forced bool
	stood  core.Moment // 0 = not yet
	ended  core.Moment // 0 = it goes on
	from   int64       // size of our logbook when it was made
}

const columns = `document, state, forced, stood_us, ended_us, log_from`

func scan(r db.Row) (d row, err error) {
	var document []byte
	if err := r.Scan(&document, &d.state, &d.forced, &d.stood, &d.ended, &d.from); err != nil {
		return d, err
	}
	env, err := seal.DecodeEnvelope(document)
	if err == nil {
		d.Signed, err = Read(env)
	}
	if err != nil {
		return d, fmt.Errorf("a kept deal: %w", err)
	}
	return d, nil
}

// insert keeps a new deal. Returns CodeConflict while another one of its scope is pending.
func insert(ctx context.Context, q db.Querier, d row) error {
	document, err := d.Document.Encode()
	if err != nil {
		return err
	}
	n, err := db.Exec(ctx, q, `INSERT INTO custody_deal (id, scope, state, forced, made_us, stood_us, ended_us, log_from, document)
		SELECT $1, $2, $3, FALSE, $4, 0, 0, $5, $6 WHERE NOT EXISTS (SELECT 1 FROM custody_deal WHERE scope = $2 AND state = $3)`,
		string(d.ID), string(d.Scope), string(Pending), int64(d.Made), d.from, document)
	if err == nil && n == 0 || db.IsDuplicate(err) {
		return core.Conflict("custody.deal.already_pending", errors.New("another deal is pending")).With("Scope", string(d.Scope))
	}
	return err
}

// get reads a deal of ours. Returns CodeNotFound "custody.deal.unknown".
func get(ctx context.Context, q db.Querier, id share.ID) (row, error) {
	d, err := db.One(ctx, q, scan, `SELECT `+columns+` FROM custody_deal WHERE id = $1`, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return d, unknown()
	}
	return d, err
}

// inState finds the deal of a scope in one of the states there is one of at most. Returns
// CodeNotFound.
func inState(ctx context.Context, q db.Querier, scope box.Scope, state State) (row, error) {
	d, err := db.One(ctx, q, scan, `SELECT `+columns+` FROM custody_deal WHERE scope = $1 AND state = $2`, string(scope), string(state))
	if errors.Is(err, db.ErrNoRow) {
		return d, core.NotFound("custody.deal.no_deal", err).With("Scope", string(scope))
	}
	return d, err
}

// all lists our deals, the newest first; those that ended long ago are left out.
func all(ctx context.Context, q db.Querier) ([]row, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM custody_deal ORDER BY made_us DESC, id LIMIT 200`)
}

// live lists deals that holders are told of.
func live(ctx context.Context, q db.Querier) ([]row, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM custody_deal WHERE state IN ($1, $2) ORDER BY made_us`, string(Pending), string(Standing))
}

// stand has a deal count that our logbook says stands, and ends the one that stood: a pending one, or
// one that was given up while the logbook was written. Any other is left as it is.
func stand(ctx context.Context, q db.Querier, d Deal, at core.Moment) error {
	waiting, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM custody_deal WHERE id = $1 AND state IN ($2, $3)`, string(d.ID), string(Pending), string(Cancelled))
	if err != nil || waiting == 0 {
		return err
	}
	before, err := inState(ctx, q, d.Scope, Standing)
	if err == nil {
		_, err = end(ctx, q, before.ID, Superseded, at)
	}
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	_, err = db.Exec(ctx, q, `UPDATE custody_deal SET state = $1, stood_us = $2, ended_us = 0 WHERE id = $3`, string(Standing), int64(at), string(d.ID))
	return err
}

// force notes that somebody decided that a deal stands without all of its holders.
func force(ctx context.Context, q db.Querier, id share.ID) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_deal SET forced = TRUE WHERE id = $1 AND state = $2`, string(id), string(Pending))
	return err
}

// end gives a deal that goes on its last state, and forgets what was still to be brought of it;
// it says whether it went on.
func end(ctx context.Context, q db.Querier, id share.ID, to State, at core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE custody_deal SET state = $1, ended_us = $2 WHERE id = $3 AND state IN ($4, $5)`,
		string(to), int64(at), string(id), string(Pending), string(Standing))
	if err == nil && n == 1 {
		err = forgetShares(ctx, q, id)
	}
	return n == 1, err
}

// cancel gives a pending deal up; it says whether it was pending.
func cancel(ctx context.Context, q db.Querier, id share.ID, at core.Moment) (bool, error) {
	pending, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM custody_deal WHERE id = $1 AND state = $2`, string(id), string(Pending))
	if err != nil || pending == 0 {
		return false, err
	}
	return end(ctx, q, id, Cancelled, at)
}

func unknown() error { return core.NotFound("custody.deal.unknown", errors.New("no such deal")) }
