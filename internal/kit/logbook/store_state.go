package logbook

import (
	"context"
	"crypto/rand"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

func getCursor(ctx context.Context, q db.Querier, reader string, id core.MemberID) (int64, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT next FROM logbook_cursor WHERE reader=$1 AND origin=$2`, reader, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return 0, nil
	}
	return n, err
}

func putCursor(ctx context.Context, q db.Querier, reader string, id core.MemberID, next int64) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_cursor (reader, origin, next) VALUES ($1,$2,$3)
		ON CONFLICT (reader, origin) DO UPDATE SET next = excluded.next`, reader, string(id), next)
	return err
}

// contact is how the exchange with one member goes.
type contact struct {
	Store     string
	After     int64
	Confirmed int64
	Failures  int64
	Retry     core.Moment
}

func getContact(ctx context.Context, q db.Querier, id core.MemberID) (contact, error) {
	c, err := db.One(ctx, q, func(r db.Row) (c contact, err error) {
		err = r.Scan(&c.Store, &c.After, &c.Confirmed, &c.Failures, &c.Retry)
		return c, err
	}, `SELECT store, after, confirmed, failures, retry_us FROM logbook_peer WHERE origin=$1`, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return contact{}, nil
	}
	return c, err
}

func putContact(ctx context.Context, q db.Querier, id core.MemberID, c contact) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_peer (origin, after, confirmed, failures, retry_us, store) VALUES ($1,$2,$3,$4,$5,$6)
		ON CONFLICT (origin) DO UPDATE SET store=excluded.store, after=excluded.after, confirmed=excluded.confirmed, failures=excluded.failures,
		retry_us=excluded.retry_us`, string(id), c.After, c.Confirmed, c.Failures, int64(c.Retry), c.Store)
	return err
}

// putCosignature keeps a witness's line for a log at its present size.
func putCosignature(ctx context.Context, q db.Querier, l row, witness core.MemberID, line string) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_cosignature (origin, witness, size, line) VALUES ($1,$2,$3,$4)
		ON CONFLICT (origin, witness) DO UPDATE SET size=excluded.size, line=excluded.line WHERE logbook_cosignature.size <= excluded.size`,
		string(l.Origin), string(witness), l.Tree.N, line)
	return err
}

func getCosignatures(ctx context.Context, q db.Querier, id core.MemberID, size int64) ([]string, error) {
	return db.All(ctx, q, db.Text, `SELECT line FROM logbook_cosignature WHERE origin=$1 AND size=$2 ORDER BY witness`, string(id), size)
}

func putFork(ctx context.Context, q db.Querier, id core.MemberID, proof []byte, now core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_fork (origin, proof, found_us) VALUES ($1,$2,$3) ON CONFLICT (origin) DO NOTHING`,
		string(id), proof, int64(now))
	return err
}

// storeID names this database: a member restored from a backup, or begun anew,
// counts its changes anew, and its neighbours must not wait for an old number.
func storeID(ctx context.Context, d *db.DB) (string, error) {
	var id string
	err := d.Tx(ctx, func(ctx context.Context, q db.Querier) (err error) {
		id, err = db.One(ctx, q, db.Text, `SELECT id FROM logbook_store`)
		if !errors.Is(err, db.ErrNoRow) {
			return err
		}
		id = rand.Text()
		_, err = db.Exec(ctx, q, `INSERT INTO logbook_store (id) VALUES ($1)`, id)
		return err
	})
	return id, err
}

// neighbour is a member we may exchange with.
type neighbour struct {
	ID        core.MemberID
	Confirmed int64
	Retry     core.Moment
	weight    uint64
}

func getNeighbours(ctx context.Context, q db.Querier, self core.MemberID) ([]neighbour, error) {
	return db.All(ctx, q, func(r db.Row) (n neighbour, err error) {
		err = r.Scan(&n.ID, &n.Confirmed, &n.Retry)
		return n, err
	}, `SELECT l.origin, COALESCE(p.confirmed, 0), COALESCE(p.retry_us, 0)
		FROM logbook_log l LEFT JOIN logbook_peer p ON p.origin = l.origin
		WHERE l.origin <> $1 AND l.url <> '' AND l.suspended_us = 0`, string(self))
}

// askAnew forgets how far neighbours told us their heads.
func askAnew(ctx context.Context, q db.Querier) error {
	_, err := db.Exec(ctx, q, `UPDATE logbook_peer SET after = 0`)
	return err
}

// deleteLog forgets a mirror.
func deleteLog(ctx context.Context, q db.Querier, id core.MemberID) error {
	for _, statement := range []string{
		`DELETE FROM logbook_log WHERE origin = $1`, `DELETE FROM logbook_entry WHERE origin = $1`,
		`DELETE FROM logbook_hash WHERE origin = $1`, `DELETE FROM logbook_cursor WHERE origin = $1`,
		`DELETE FROM logbook_peer WHERE origin = $1`,
	} {
		if _, err := db.Exec(ctx, q, statement, string(id)); err != nil {
			return err
		}
	}
	return nil
}

func getForks(ctx context.Context, q db.Querier) (map[core.MemberID][]byte, error) {
	out := map[core.MemberID][]byte{}
	_, err := db.All(ctx, q, func(r db.Row) (id core.MemberID, err error) {
		var proof []byte
		err = r.Scan(&id, &proof)
		out[id] = proof
		return id, err
	}, `SELECT origin, proof FROM logbook_fork`)
	return out, err
}

// getConfirmed lists members that cosigned our log, those who hold most first.
func getConfirmed(ctx context.Context, q db.Querier) ([]core.MemberID, error) {
	return db.All(ctx, q, func(r db.Row) (id core.MemberID, err error) {
		err = r.Scan(&id)
		return id, err
	}, `SELECT origin FROM logbook_peer WHERE confirmed > 0 ORDER BY confirmed DESC, origin`)
}

// getBeat is when the guard was last renewed under a boot name; zero = never.
func getBeat(ctx context.Context, q db.Querier, boot string) (core.Moment, error) {
	beat, err := db.One(ctx, q, db.Int64, `SELECT beat_us FROM logbook_guard WHERE boot = $1`, boot)
	if errors.Is(err, db.ErrNoRow) {
		return 0, nil
	}
	return core.Moment(beat), err
}

func putBeat(ctx context.Context, q db.Querier, boot string, now core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_guard (boot, beat_us) VALUES ($1,$2)
		ON CONFLICT (boot) DO UPDATE SET beat_us = excluded.beat_us`, boot, int64(now))
	return err
}
