package trust

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
)

// place is where in a logbook a fact stands.
type place struct {
	Log   core.MemberID
	Index int64
	Hash  string
}

// notice takes note of an entry and says whether it is new here. Another entry
// in a place already seen means that the logbook was cut back: what came from
// there on no longer holds.
func notice(ctx context.Context, q db.Querier, p place) (bool, error) {
	seen, err := db.One(ctx, q, db.Text, `SELECT hash FROM trust_seen WHERE log = $1 AND idx = $2`, string(p.Log), p.Index)
	if err == nil && seen == p.Hash {
		return false, nil
	}
	if err == nil {
		err = rewind(ctx, q, p)
	}
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return false, err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO trust_seen (log, idx, hash) VALUES ($1, $2, $3)`, string(p.Log), p.Index, p.Hash)
	return err == nil, err
}

// rewind drops what a logbook said from a place on.
func rewind(ctx context.Context, q db.Querier, p place) error {
	for _, stmt := range []string{
		`DELETE FROM trust_seen WHERE log = $1 AND idx >= $2`,
		`DELETE FROM trust_vouch WHERE log = $1 AND idx >= $2`,
		`DELETE FROM trust_join WHERE log = $1 AND idx >= $2`,
	} {
		if _, err := db.Exec(ctx, q, stmt, string(p.Log), p.Index); err != nil {
			return err
		}
	}
	return nil
}

// forgetLog drops everything a logbook said.
func forgetLog(ctx context.Context, q db.Querier, log core.MemberID) error {
	return rewind(ctx, q, place{Log: log})
}

func scanVouch(r db.Row) (Vouch, error) {
	var v Vouch
	var root string
	if err := r.Scan(&v.By, &v.For.Member, &root, &v.For.URL, &v.Since); err != nil {
		return v, err
	}
	var err error
	v.For.Root, err = core.ParseRootKey(root)
	return v, err
}

func vouches(ctx context.Context, q db.Querier) ([]Vouch, error) {
	return db.All(ctx, q, scanVouch, `SELECT log, member, root, url, since_us FROM trust_vouch ORDER BY log, member`)
}

func vouchesBy(ctx context.Context, q db.Querier, log core.MemberID) ([]Vouch, error) {
	return db.All(ctx, q, scanVouch, `SELECT log, member, root, url, since_us FROM trust_vouch
		WHERE log = $1 ORDER BY member`, string(log))
}

func putVouch(ctx context.Context, q db.Querier, v Vouch, idx int64) error {
	_, err := db.Exec(ctx, q, `INSERT INTO trust_vouch (log, member, root, url, since_us, idx) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (log, member) DO UPDATE SET root = $3, url = $4, since_us = $5, idx = $6`,
		string(v.By), string(v.For.Member), v.For.Root.String(), v.For.URL, int64(v.Since), idx)
	return err
}

func dropVouch(ctx context.Context, q db.Querier, by, member core.MemberID) error {
	_, err := db.Exec(ctx, q, `DELETE FROM trust_vouch WHERE log = $1 AND member = $2`, string(by), string(member))
	return err
}

// join is one logbook following one charter.
type join struct {
	By      core.MemberID
	Charter string
}

func scanJoin(r db.Row) (j join, err error) { return j, r.Scan(&j.By, &j.Charter) }

func joins(ctx context.Context, q db.Querier) ([]join, error) {
	return db.All(ctx, q, scanJoin, `SELECT log, charter FROM trust_join ORDER BY charter, log`)
}

func joinsBy(ctx context.Context, q db.Querier, log core.MemberID) ([]join, error) {
	return db.All(ctx, q, scanJoin, `SELECT log, charter FROM trust_join WHERE log = $1 ORDER BY charter`, string(log))
}

func putJoin(ctx context.Context, q db.Querier, j join, since core.Moment, idx int64) error {
	_, err := db.Exec(ctx, q, `INSERT INTO trust_join (log, charter, since_us, idx) VALUES ($1, $2, $3, $4)
		ON CONFLICT (log, charter) DO NOTHING`, string(j.By), j.Charter, int64(since), idx)
	return err
}

func dropJoin(ctx context.Context, q db.Querier, j join) error {
	_, err := db.Exec(ctx, q, `DELETE FROM trust_join WHERE log = $1 AND charter = $2`, string(j.By), j.Charter)
	return err
}

// charterRow is a charter as it came: signed, checked when it was taken in.
type charterRow struct {
	ID  string
	Doc seal.Envelope
}

func scanCharter(r db.Row) (c charterRow, err error) {
	var text []byte
	if err := r.Scan(&c.ID, &text); err != nil {
		return c, err
	}
	c.Doc, err = seal.DecodeEnvelope(text)
	return c, err
}

func charters(ctx context.Context, q db.Querier) ([]charterRow, error) {
	return db.All(ctx, q, scanCharter, `SELECT id, envelope FROM trust_charter ORDER BY id`)
}

// charter reads one. Returns CodeNotFound.
func charter(ctx context.Context, q db.Querier, id string) (charterRow, error) {
	c, err := db.One(ctx, q, scanCharter, `SELECT id, envelope FROM trust_charter WHERE id = $1`, id)
	if errors.Is(err, db.ErrNoRow) {
		return c, noCharter(id)
	}
	return c, err
}

func putCharter(ctx context.Context, q db.Querier, c charterRow, now core.Moment) error {
	text, err := c.Doc.Encode()
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO trust_charter (id, envelope, since_us) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO NOTHING`, c.ID, text, int64(now))
	return err
}
