package archive

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/motion"
)

// Row is a proposal that is here.
type Row struct {
	ID      string
	Chain   string          // id of the first version
	P       motion.Proposal // without what people wrote
	Settled core.Moment
}

const rowColumns = `id, chain, frame, settled_us`

// errDamaged says that what is kept of one proposal cannot be read.
var errDamaged = errors.New("a kept proposal cannot be read")

func scanRow(r db.Row) (p Row, err error) {
	var frame []byte
	if err := r.Scan(&p.ID, &p.Chain, &frame, &p.Settled); err != nil {
		return p, err
	}
	if err := wire.Decode(frame, &p.P); err != nil {
		return p, errors.Join(errDamaged, err)
	}
	return p, nil
}

// listed lists proposals, and the ids of those that cannot be read: one of them stops no other.
func listed(ctx context.Context, q db.Querier, query string, args ...any) (out []Row, damaged []string, err error) {
	_, err = db.All(ctx, q, func(r db.Row) (struct{}, error) {
		p, err := scanRow(r)
		if errors.Is(err, errDamaged) {
			damaged = append(damaged, p.ID)
			return struct{}{}, nil
		}
		out = append(out, p)
		return struct{}{}, err
	}, query, args...)
	return out, damaged, err
}

func readable(ctx context.Context, q db.Querier, query string, args ...any) ([]Row, error) {
	out, _, err := listed(ctx, q, query, args...)
	return out, err
}

// PutProposal keeps a proposal; again it changes nothing.
func PutProposal(ctx context.Context, q db.Querier, r Row) error {
	frame, err := wire.Encode(r.P.WithoutText())
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO assembly_decision_proposal (id, chain, author, charter, version, opened_us, counted_us, frame, settled_us)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING`,
		r.ID, r.Chain, string(r.P.By), r.P.Charter, r.P.Version, int64(r.P.Opened), int64(r.P.CountedAt()), frame, int64(r.Settled))
	return err
}

// Proposal returns CodeNotFound "assembly.decision.unknown".
func Proposal(ctx context.Context, q db.Querier, id string) (Row, error) {
	r, err := db.One(ctx, q, scanRow, `SELECT `+rowColumns+` FROM assembly_decision_proposal WHERE id = $1`, id)
	if errors.Is(err, db.ErrNoRow) {
		return r, core.NotFound("assembly.decision.unknown", err)
	}
	return r, err
}

// Find finds a proposal by the first signs of its id. Returns CodeNotFound, CodeConflict for two.
func Find(ctx context.Context, q db.Querier, begin string) (string, error) {
	return beginsWith(ctx, q, `SELECT id FROM assembly_decision_proposal WHERE substr(id, 1, $1) = $2 LIMIT 2`, begin)
}

// FindDocument is find for a document of one author.
func FindDocument(ctx context.Context, q db.Querier, author core.MemberID, begin string) (string, error) {
	return beginsWith(ctx, q, `SELECT id FROM assembly_decision_document WHERE substr(id, 1, $1) = $2 AND author = $3 LIMIT 2`, begin, string(author))
}

func beginsWith(ctx context.Context, q db.Querier, query, begin string, more ...any) (string, error) {
	ids, err := db.All(ctx, q, db.Text, query, append([]any{len(begin), begin}, more...)...)
	switch {
	case err != nil:
		return "", err
	case len(ids) == 0 || begin == "":
		return "", core.NotFound("assembly.decision.unknown", errors.New("none begins so"))
	case len(ids) > 1:
		return "", core.Conflict("assembly.decision.ambiguous", errors.New("several begin so"))
	}
	return ids[0], nil
}

// Chain lists the versions of a proposal, the oldest first.
func Chain(ctx context.Context, q db.Querier, chain string) ([]Row, error) {
	return readable(ctx, q, `SELECT `+rowColumns+` FROM assembly_decision_proposal WHERE chain = $1 ORDER BY version, opened_us, id LIMIT 200`, chain)
}

// Proposals lists them, those that opened last first.
func Proposals(ctx context.Context, q db.Querier, limit int) ([]Row, error) {
	return readable(ctx, q, `SELECT `+rowColumns+` FROM assembly_decision_proposal ORDER BY opened_us DESC, id LIMIT $1`, limit)
}

// OpenAt lists the proposals of a collective that were open at a moment.
func OpenAt(ctx context.Context, q db.Querier, charter string, at core.Moment) ([]Row, error) {
	return readable(ctx, q, `SELECT `+rowColumns+` FROM assembly_decision_proposal WHERE charter = $1 AND opened_us <= $2 AND counted_us >= $2 ORDER BY opened_us, id LIMIT 500`,
		charter, int64(at))
}

// CountedBefore lists those of a collective that were counted at a moment, the newest first.
func CountedBefore(ctx context.Context, q db.Querier, charter string, at core.Moment) ([]Row, error) {
	return readable(ctx, q, `SELECT `+rowColumns+` FROM assembly_decision_proposal WHERE charter = $1 AND counted_us < $2 ORDER BY counted_us DESC, id LIMIT 100`,
		charter, int64(at))
}

// Unsettled lists those that we still have to do something about, and the ids of those that cannot
// be read.
func Unsettled(ctx context.Context, q db.Querier) (out []Row, damaged []string, err error) {
	return listed(ctx, q, `SELECT `+rowColumns+` FROM assembly_decision_proposal WHERE settled_us = 0 ORDER BY opened_us, id LIMIT 1000`)
}

// Settle notes that all that we had to do about a proposal was done.
func Settle(ctx context.Context, q db.Querier, id string, at core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_decision_proposal SET settled_us = $2 WHERE id = $1 AND settled_us = 0`, id, int64(at))
	return err
}

// proposalsSince counts what one author proposed in a collective and opened since a moment.
func proposalsSince(ctx context.Context, q db.Querier, author core.MemberID, charter string, since core.Moment) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM assembly_decision_proposal WHERE author = $1 AND charter = $2 AND opened_us > $3`, string(author), charter, int64(since))
}
