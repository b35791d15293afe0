package collective

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/trust/fact"
)

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
	return fact.Changed(ctx, q, err)
}

func dropJoin(ctx context.Context, q db.Querier, j join) error {
	_, err := db.Exec(ctx, q, `DELETE FROM trust_join WHERE log = $1 AND charter = $2`, string(j.By), j.Charter)
	return fact.Changed(ctx, q, err)
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

// charterByID reads one. Returns CodeNotFound.
func charterByID(ctx context.Context, q db.Querier, id string) (charterRow, error) {
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
	return fact.Changed(ctx, q, err)
}
