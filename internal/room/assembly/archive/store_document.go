package archive

import (
	"context"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
)

// Kind is what a document is.
type Kind string

// The kinds.
const (
	KindProposal  Kind = "proposal"
	KindRemark    Kind = "remark"
	KindObjection Kind = "objection"
)

// Paper is a document that is here.
type Paper struct {
	ID       string
	Kind     Kind
	Author   core.MemberID
	Proposal string
	Envelope seal.Envelope
	Gone     bool // its author took the text back
	Kept     core.Moment
}

const paperColumns = `id, kind, author, proposal, envelope, kept_us`

func scanPaper(r db.Row) (p Paper, err error) {
	var envelope []byte
	if err := r.Scan(&p.ID, &p.Kind, &p.Author, &p.Proposal, &envelope, &p.Kept); err != nil {
		return p, err
	}
	if p.Gone = len(envelope) == 0; p.Gone {
		return p, nil
	}
	if p.Envelope, err = seal.DecodeEnvelope(envelope); err != nil {
		return p, fmt.Errorf("a kept document: %w", err)
	}
	return p, nil
}

// PutPaper keeps a document; again it changes nothing.
func PutPaper(ctx context.Context, q db.Querier, p Paper) error {
	text, err := p.Envelope.Encode()
	if err != nil {
		return err
	}
	if _, err := db.Exec(ctx, q, `INSERT INTO assembly_decision_document (`+paperColumns+`) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING`,
		p.ID, string(p.Kind), string(p.Author), p.Proposal, text, int64(p.Kept)); err != nil {
		return err
	}
	return dropWants(ctx, q, p.ID)
}

// GetPaper returns CodeNotFound "assembly.decision.no_document".
func GetPaper(ctx context.Context, q db.Querier, id string) (Paper, error) {
	p, err := db.One(ctx, q, scanPaper, `SELECT `+paperColumns+` FROM assembly_decision_document WHERE id = $1`, id)
	if errors.Is(err, db.ErrNoRow) {
		return p, core.NotFound("assembly.decision.no_document", err)
	}
	return p, err
}

func hasPaper(ctx context.Context, q db.Querier, id string) (bool, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM assembly_decision_document WHERE id = $1`, id)
	return n > 0, err
}

// PapersOf lists the documents about one version of a proposal, in the order they came.
func PapersOf(ctx context.Context, q db.Querier, proposal string) ([]Paper, error) {
	return db.All(ctx, q, scanPaper, `SELECT `+paperColumns+` FROM assembly_decision_document WHERE proposal = $1 ORDER BY kept_us, id LIMIT 20000`, proposal)
}

// countPapers counts those of a kind that one author wrote about a proposal.
func countPapers(ctx context.Context, q db.Querier, proposal string, author core.MemberID, kind Kind) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM assembly_decision_document WHERE proposal = $1 AND author = $2 AND kind = $3`, proposal, string(author), string(kind))
}

// papersSize is how many bytes all documents are, and those of one author.
func papersSize(ctx context.Context, q db.Querier, author core.MemberID) (all, own int64, err error) {
	if all, err = db.One(ctx, q, db.Int64, `SELECT sum(length(envelope)) FROM assembly_decision_document`); err != nil {
		return 0, 0, err
	}
	own, err = db.One(ctx, q, db.Int64, `SELECT sum(length(envelope)) FROM assembly_decision_document WHERE author = $1`, string(author))
	return all, own, err
}

// Erase takes a document's text away and keeps its id.
func Erase(ctx context.Context, q db.Querier, id string, author core.MemberID) error {
	if _, err := db.Exec(ctx, q, `UPDATE assembly_decision_document SET envelope = $3 WHERE id = $1 AND author = $2`, id, string(author), []byte{}); err != nil {
		return err
	}
	_, err := db.Exec(ctx, q, `DELETE FROM assembly_decision_want WHERE doc = $1 AND log = $2`, id, string(author))
	return err
}

// want is a document that a logbook names and that is not here.
type want struct {
	doc      string
	log      core.MemberID
	kind     Kind
	proposal string
	iat      core.Moment
	tries    int64
	next     core.Moment
}

const wantColumns = `doc, log, kind, proposal, iat_us, tries, next_us`

func scanWant(r db.Row) (w want, err error) {
	return w, r.Scan(&w.doc, &w.log, &w.kind, &w.proposal, &w.iat, &w.tries, &w.next)
}

func putWant(ctx context.Context, q db.Querier, w want) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_decision_want (`+wantColumns+`) VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT (doc, log) DO NOTHING`,
		w.doc, string(w.log), string(w.kind), w.proposal, int64(w.iat), int64(w.next))
	return err
}

// dueWants lists what is due, one of each logbook after the other: no logbook keeps another waiting.
func dueWants(ctx context.Context, q db.Querier, now core.Moment) ([]want, error) {
	return db.All(ctx, q, scanWant, `SELECT `+wantColumns+` FROM
		(SELECT `+wantColumns+`, row_number() OVER (PARTITION BY log ORDER BY next_us, doc) AS place FROM assembly_decision_want WHERE next_us <= $1) AS due
		ORDER BY place, next_us, doc LIMIT 100`, int64(now))
}

// nextWant is when the next one is due; 0 = there is none.
func nextWant(ctx context.Context, q db.Querier) (core.Moment, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT min(next_us) FROM assembly_decision_want`)
	return core.Moment(n), err
}

func setWant(ctx context.Context, q db.Querier, w want) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_decision_want SET tries = $2, next_us = $3 WHERE doc = $1 AND log = $4`, w.doc, w.tries, int64(w.next), string(w.log))
	return err
}

func dropWant(ctx context.Context, q db.Querier, w want) error {
	_, err := db.Exec(ctx, q, `DELETE FROM assembly_decision_want WHERE doc = $1 AND log = $2`, w.doc, string(w.log))
	return err
}

// dropWants drops all of a document that is here, whoever named it.
func dropWants(ctx context.Context, q db.Querier, doc string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM assembly_decision_want WHERE doc = $1`, doc)
	return err
}

// countWants counts what is to be fetched of a kind for one logbook, about one proposal; about all
// where proposal is empty.
func countWants(ctx context.Context, q db.Querier, log core.MemberID, kind Kind, proposal string) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM assembly_decision_want WHERE log = $1 AND kind = $2 AND (proposal = $3 OR $3 = '')`, string(log), string(kind), proposal)
}

// sooner has what waits for a proposal asked for at once.
func sooner(ctx context.Context, q db.Querier, proposal string, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_decision_want SET next_us = $2 WHERE proposal = $1 AND next_us > $2`, proposal, int64(now))
	return err
}
