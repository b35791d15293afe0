package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

const columns = `owner, id, service, kind, address, every_s, expect, local, paused, made_us`

// unpublished is the index of a target that our logbook does not have yet.
const unpublished = -1

func scan(r db.Row) (t Target, err error) {
	var expect string
	var every int64
	if err := r.Scan(&t.Owner, &t.ID, &t.Service, &t.Kind, &t.Address, &every, &expect, &t.Local, &t.Paused, &t.Made); err != nil {
		return t, err
	}
	t.Every = time.Duration(every) * time.Second
	if json.Unmarshal([]byte(expect), &t.Expect) != nil {
		t.Expect, t.Damaged = Expect{}, true
	}
	return t, nil
}

// whole leaves out the damaged ones: one bad row must not stop all looks.
func whole(all []Target, err error) ([]Target, error) {
	return slices.DeleteFunc(all, func(t Target) bool { return t.Damaged }), err
}

// put stores a target, as an entry of its owner's logbook says it. One that an entry
// further on said already stays, and so does what our logbook does not say yet.
func put(ctx context.Context, q db.Querier, t Target, index int64) error {
	expect, err := json.Marshal(t.Expect)
	if err != nil {
		return fmt.Errorf("write what is expected: %w", err)
	}
	_, err = db.Exec(ctx, q, `INSERT INTO watch_target (`+columns+`, idx, gone) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (owner, id) DO UPDATE SET service = excluded.service, kind = excluded.kind, address = excluded.address,
		every_s = excluded.every_s, expect = excluded.expect, local = excluded.local, paused = excluded.paused, made_us = excluded.made_us,
		idx = excluded.idx, gone = excluded.gone WHERE excluded.idx = -1 OR (watch_target.idx <> -1 AND watch_target.idx <= excluded.idx)`,
		t.Owner, t.ID, t.Service, t.Kind, t.Address, int64(t.Every/time.Second), string(expect), t.Local, t.Paused, t.Made, index, false)
	return changed(ctx, q, err)
}

// changed notes that targets or proofs changed, in the transaction that changes them; err
// is what the change ended with.
func changed(ctx context.Context, q db.Querier, err error) error {
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO watch_target_revision (id, n) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = watch_target_revision.n + 1`)
	return err
}

// revision grows with every change of a target or a proof.
func revision(ctx context.Context, q db.Querier) (int64, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT n FROM watch_target_revision WHERE id = 1`)
	if errors.Is(err, db.ErrNoRow) {
		return 0, nil
	}
	return n, err
}

// published notes in which entry a target stands, unless it was changed since.
func published(ctx context.Context, q db.Querier, t Target, index int64) error {
	expect, err := json.Marshal(t.Expect)
	if err != nil {
		return fmt.Errorf("write what is expected: %w", err)
	}
	_, err = db.Exec(ctx, q, `UPDATE watch_target SET idx = $8 WHERE owner = $1 AND id = $2 AND service = $3 AND address = $4
		AND every_s = $5 AND expect = $6 AND paused = $7 AND NOT gone`,
		t.Owner, t.ID, t.Service, t.Address, int64(t.Every/time.Second), string(expect), t.Paused, index)
	return err
}

// end marks a target as gone, in a transaction; what was measured of it stays.
func end(ctx context.Context, q db.Querier, owner core.MemberID, id string, index int64) error {
	_, err := db.Exec(ctx, q, `UPDATE watch_target SET gone = $3, idx = $4 WHERE owner = $1 AND id = $2 AND (idx <> -1 AND idx <= $4 OR $5)`,
		owner, id, true, index, index == unpublished)
	return changed(ctx, q, err)
}

// ended notes in which entry of our logbook a target of ours ended.
func ended(ctx context.Context, q db.Querier, owner core.MemberID, id string, index int64) error {
	_, err := db.Exec(ctx, q, `UPDATE watch_target SET idx = $3 WHERE owner = $1 AND id = $2 AND gone`, owner, id, index)
	return err
}

// retell has our logbook say again what its entries from an index on said.
func retell(ctx context.Context, q db.Querier, self core.MemberID, index int64) error {
	_, err := db.Exec(ctx, q, `UPDATE watch_target SET idx = -1 WHERE owner = $1 AND idx >= $2`, self, index)
	return err
}

// forget drops what entries of a logbook from an index on said.
func forget(ctx context.Context, d *db.DB, owner core.MemberID, index int64) error {
	return d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := db.Exec(ctx, q, `DELETE FROM watch_target WHERE owner = $1 AND idx >= $2`, owner, index)
		return changed(ctx, q, err)
	})
}

func count(ctx context.Context, q db.Querier, owner core.MemberID) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM watch_target WHERE owner = $1`, owner)
}

// waiting are our targets, and those we took away, that our logbook does not say yet.
func waiting(ctx context.Context, q db.Querier, self core.MemberID) (tell []Target, ended []string, err error) {
	tell, err = whole(db.All(ctx, q, scan, `SELECT `+columns+` FROM watch_target WHERE owner = $1 AND idx = -1 AND NOT gone AND NOT local ORDER BY id`, self))
	if err != nil {
		return nil, nil, err
	}
	ended, err = db.All(ctx, q, db.Text, `SELECT id FROM watch_target WHERE owner = $1 AND idx = -1 AND gone AND NOT local ORDER BY id`, self)
	return tell, ended, err
}

// Of lists a member's targets, by service, without damaged ones.
func Of(ctx context.Context, q db.Querier, owner core.MemberID) ([]Target, error) {
	return whole(stored(ctx, q, owner))
}

// stored is Of with the damaged ones.
func stored(ctx context.Context, q db.Querier, owner core.MemberID) ([]Target, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM watch_target WHERE owner = $1 AND NOT gone ORDER BY service, id`, owner)
}

// All lists everybody's targets, by owner and service, without damaged ones.
func All(ctx context.Context, q db.Querier) ([]Target, error) {
	return whole(everything(ctx, q))
}

// everything is All with the damaged ones.
func everything(ctx context.Context, q db.Querier) ([]Target, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM watch_target WHERE NOT gone ORDER BY owner, service, id`)
}

// Damaged lists everybody's targets that nobody looks at because what is expected of them
// cannot be read, by owner and service. Codes as for db.All.
func Damaged(ctx context.Context, q db.Querier) ([]Target, error) {
	all, err := everything(ctx, q)
	return slices.DeleteFunc(all, func(t Target) bool { return !t.Damaged }), err
}

// Find answers one target; one that is gone or damaged too, so that what was measured of it
// can be named. Returns CodeNotFound.
func Find(ctx context.Context, q db.Querier, owner core.MemberID, id string) (Target, error) {
	t, err := db.One(ctx, q, scan, `SELECT `+columns+` FROM watch_target WHERE owner = $1 AND id = $2`, owner, id)
	if errors.Is(err, db.ErrNoRow) {
		return t, core.NotFound("watch.target.unknown", err).With("Value", id)
	}
	return t, err
}
