package pact

import (
	"context"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/trust/document"
)

// stored is a pact as it is kept: the signed documents and what happened.
type stored struct {
	ID       string
	Peer     core.MemberID
	Made     core.Moment
	Offer    Offer // zero for a pact of which only the end is known
	Signed   core.Moment
	Closed   core.Moment
	ClosedBy core.MemberID
}

// known says that the text is here, not only the end of it.
func (p stored) known() bool { return p.Offer.Pact.PayloadType != "" }

// record reads the documents again.
func (p stored) record() (Record, error) {
	h := Record{ID: p.ID, Closed: p.Closed, ClosedBy: p.ClosedBy, SignedAt: p.Signed}
	if err := document.Payload(p.Offer.Pact, &h.Pact); err != nil {
		return h, fmt.Errorf("pact %s: %w", document.Short(p.ID), err)
	}
	if p.Signed == 0 {
		return h, nil
	}
	h.Accepted = &Acceptance{}
	if err := document.Payload(*p.Offer.Acceptance, h.Accepted); err != nil {
		return h, fmt.Errorf("acceptance of pact %s: %w", document.Short(p.ID), err)
	}
	return h, nil
}

const columns = `id, peer, made_us, envelope, acceptance, signed_us, closed_us, closed_by`

func scan(r db.Row) (stored, error) {
	var p stored
	var pact, acceptance []byte
	if err := r.Scan(&p.ID, &p.Peer, &p.Made, &pact, &acceptance, &p.Signed, &p.Closed, &p.ClosedBy); err != nil {
		return p, err
	}
	var err error
	if len(pact) > 0 {
		p.Offer.Pact, err = seal.DecodeEnvelope(pact)
	}
	if len(acceptance) > 0 && err == nil {
		p.Offer.Acceptance = &seal.Envelope{}
		*p.Offer.Acceptance, err = seal.DecodeEnvelope(acceptance)
	}
	if err != nil {
		return p, fmt.Errorf("kept pact %s: %w", document.Short(p.ID), err)
	}
	return p, nil
}

// byID reads one pact by its full id. Returns CodeNotFound.
func byID(ctx context.Context, q db.Querier, id string) (stored, error) {
	p, err := db.One(ctx, q, scan, `SELECT `+columns+` FROM trust_pact WHERE id = $1`, id)
	if errors.Is(err, db.ErrNoRow) {
		return p, unknownPact(id)
	}
	return p, err
}

// all lists all, or those with one member, the newest first.
func all(ctx context.Context, q db.Querier, peer core.MemberID) ([]stored, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM trust_pact
		WHERE ($1 = '' OR peer = $1) AND length(envelope) > 0 ORDER BY made_us DESC, id`, string(peer))
}

// like finds the pacts whose id begins so, two at most.
func like(ctx context.Context, q db.Querier, prefix string) ([]stored, error) {
	if !document.IDPrefix.MatchString(prefix) {
		return nil, nil
	}
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM trust_pact
		WHERE id >= $1 AND id < $2 AND length(envelope) > 0 ORDER BY id LIMIT 2`, prefix, prefix+"g")
}

// openProposals counts what a member proposed or was proposed and nobody
// answered or closed.
func openProposals(ctx context.Context, q db.Querier, peer core.MemberID) (int, error) {
	return db.One(ctx, q, scanCount, `SELECT count(*) FROM trust_pact
		WHERE peer = $1 AND signed_us = 0 AND closed_us = 0`, string(peer))
}

func scanCount(r db.Row) (n int, err error) { return n, r.Scan(&n) }

func put(ctx context.Context, q db.Querier, p stored) error {
	pact, acceptance := []byte{}, []byte{}
	var err error
	if p.known() {
		pact, err = p.Offer.Pact.Encode()
	}
	if p.Offer.Acceptance != nil && err == nil {
		acceptance, err = p.Offer.Acceptance.Encode()
	}
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO trust_pact (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET peer = $2, made_us = $3, envelope = $4, acceptance = $5, signed_us = $6, closed_us = $7, closed_by = $8`,
		p.ID, string(p.Peer), int64(p.Made), pact, acceptance, int64(p.Signed), int64(p.Closed), string(p.ClosedBy))
	return err
}

// DropStale forgets proposals that came to nothing long ago. What is known only
// by its end stays: it keeps a lost pact from coming back.
func DropStale(ctx context.Context, q db.Querier, before core.Moment) error {
	_, err := db.Exec(ctx, q, `DELETE FROM trust_pact WHERE signed_us = 0 AND made_us < $1 AND length(envelope) > 0`, int64(before))
	return err
}
