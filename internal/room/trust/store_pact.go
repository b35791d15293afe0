package trust

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
)

// pactRow is a pact as it is kept: the signed documents and what happened.
type pactRow struct {
	ID       string
	Peer     core.MemberID
	Made     core.Moment
	Offer    Offer // zero for a pact of which only the end is known
	Signed   core.Moment
	Closed   core.Moment
	ClosedBy core.MemberID
}

// known says that the text is here, not only the end of it.
func (p pactRow) known() bool { return p.Offer.Pact.PayloadType != "" }

// held reads the documents again.
func (p pactRow) held() (Held, error) {
	h := Held{ID: p.ID, Closed: p.Closed, ClosedBy: p.ClosedBy, SignedAt: p.Signed}
	if err := payloadOf(p.Offer.Pact, &h.Pact); err != nil {
		return h, fmt.Errorf("pact %s: %w", short(p.ID), err)
	}
	if p.Signed == 0 {
		return h, nil
	}
	h.Accepted = &Acceptance{}
	if err := payloadOf(*p.Offer.Acceptance, h.Accepted); err != nil {
		return h, fmt.Errorf("acceptance of pact %s: %w", short(p.ID), err)
	}
	return h, nil
}

// idPrefix is the beginning of an id; "g" sorts after every hex digit.
var idPrefix = regexp.MustCompile(`^[0-9a-f]{4,64}$`)

const pactColumns = `id, peer, made_us, envelope, acceptance, signed_us, closed_us, closed_by`

func scanPact(r db.Row) (pactRow, error) {
	var p pactRow
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
		return p, fmt.Errorf("kept pact %s: %w", short(p.ID), err)
	}
	return p, nil
}

// pactByID reads one pact by its full id. Returns CodeNotFound.
func pactByID(ctx context.Context, q db.Querier, id string) (pactRow, error) {
	p, err := db.One(ctx, q, scanPact, `SELECT `+pactColumns+` FROM trust_pact WHERE id = $1`, id)
	if errors.Is(err, db.ErrNoRow) {
		return p, unknownPact(id)
	}
	return p, err
}

// pacts lists all, or those with one member, the newest first.
func pacts(ctx context.Context, q db.Querier, peer core.MemberID) ([]pactRow, error) {
	return db.All(ctx, q, scanPact, `SELECT `+pactColumns+` FROM trust_pact
		WHERE ($1 = '' OR peer = $1) AND length(envelope) > 0 ORDER BY made_us DESC, id`, string(peer))
}

// pactsLike finds the pacts whose id begins so, two at most.
func pactsLike(ctx context.Context, q db.Querier, prefix string) ([]pactRow, error) {
	if !idPrefix.MatchString(prefix) {
		return nil, nil
	}
	return db.All(ctx, q, scanPact, `SELECT `+pactColumns+` FROM trust_pact
		WHERE id >= $1 AND id < $2 AND length(envelope) > 0 ORDER BY id LIMIT 2`, prefix, prefix+"g")
}

// openProposals counts what a member proposed or was proposed and nobody
// answered or closed.
func openProposals(ctx context.Context, q db.Querier, peer core.MemberID) (int, error) {
	return db.One(ctx, q, scanCount, `SELECT count(*) FROM trust_pact
		WHERE peer = $1 AND signed_us = 0 AND closed_us = 0`, string(peer))
}

func putPact(ctx context.Context, q db.Querier, p pactRow) error {
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
	_, err = db.Exec(ctx, q, `INSERT INTO trust_pact (`+pactColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET peer = $2, made_us = $3, envelope = $4, acceptance = $5, signed_us = $6, closed_us = $7, closed_by = $8`,
		p.ID, string(p.Peer), int64(p.Made), pact, acceptance, int64(p.Signed), int64(p.Closed), string(p.ClosedBy))
	return err
}

// dropStale forgets proposals that came to nothing long ago. What is known only
// by its end stays: it keeps a lost pact from coming back.
func dropStale(ctx context.Context, q db.Querier, before core.Moment) error {
	_, err := db.Exec(ctx, q, `DELETE FROM trust_pact WHERE signed_us = 0 AND made_us < $1 AND length(envelope) > 0`, int64(before))
	return err
}

const taskColumns = `kind, subject, peer, made_us, next_us, tries, error`

func scanTask(r db.Row) (t task, err error) {
	return t, r.Scan(&t.Kind, &t.Subject, &t.Peer, &t.Made, &t.Next, &t.Tries, &t.Error)
}

// putTask notes what is to be done, at once; what waited for it already waits
// no longer.
func putTask(ctx context.Context, q db.Querier, t task) error {
	_, err := db.Exec(ctx, q, `INSERT INTO trust_task (`+taskColumns+`) VALUES ($1, $2, $3, $4, $5, 0, '')
		ON CONFLICT (kind, subject) DO UPDATE SET peer = $3, next_us = $5`,
		string(t.Kind), t.Subject, string(t.Peer), int64(t.Made), int64(t.Made))
	return err
}

func dueTasks(ctx context.Context, q db.Querier, now core.Moment, limit int) ([]task, error) {
	return db.All(ctx, q, scanTask, `SELECT `+taskColumns+` FROM trust_task
		WHERE next_us <= $1 ORDER BY next_us, kind, subject LIMIT $2`, int64(now), limit)
}

func tasks(ctx context.Context, q db.Querier) ([]task, error) {
	return db.All(ctx, q, scanTask, `SELECT `+taskColumns+` FROM trust_task ORDER BY kind, subject`)
}

// claimTask takes a due task for a while, so that the command line and the
// running node do not both do it, and says whether it was still free.
func claimTask(ctx context.Context, q db.Querier, t task, now, until core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE trust_task SET next_us = $3 WHERE kind = $1 AND subject = $2 AND next_us <= $4`,
		string(t.Kind), t.Subject, int64(until), int64(now))
	return n == 1, err
}

func dropTask(ctx context.Context, q db.Querier, t task) error {
	_, err := db.Exec(ctx, q, `DELETE FROM trust_task WHERE kind = $1 AND subject = $2`, string(t.Kind), t.Subject)
	return err
}

func postponeTask(ctx context.Context, q db.Querier, t task) error {
	_, err := db.Exec(ctx, q, `UPDATE trust_task SET next_us = $3, tries = $4, error = $5 WHERE kind = $1 AND subject = $2`,
		string(t.Kind), t.Subject, int64(t.Next), t.Tries, t.Error)
	return err
}
