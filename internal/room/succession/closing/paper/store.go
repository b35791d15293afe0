package paper

import (
	"context"
	"errors"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
)

const (
	maxSaid = 2000 // entries of one member; what is beyond is passed over
	maxHeld = 500  // documents of one owner
)

// Papers keeps documents and the entries about them.
type Papers struct{ DB *db.DB }

func scanSaid(r db.Row) (s Said, err error) {
	var body string
	err = r.Scan(&s.Member, &s.Index, &s.Typ, &body, &s.At)
	s.Body = []byte(body)
	return s, err
}

func putSaid(ctx context.Context, q db.Querier, s Said, subject string) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_said (member, idx, typ, subject, body, said_us)
		SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS BIGINT)
		WHERE (SELECT count(*) FROM succession_said WHERE member = $1) < $7 ON CONFLICT (member, idx) DO NOTHING`,
		string(s.Member), s.Index, s.Typ, subject, string(s.Body), int64(s.At), maxSaid)
	return err
}

// said lists entries of a kind about a subject in order; of all members for "".
func said(ctx context.Context, q db.Querier, member core.MemberID, typ, subject string) ([]Said, error) {
	return db.All(ctx, q, scanSaid, `SELECT member, idx, typ, body, said_us FROM succession_said
		WHERE typ = $2 AND subject = $3 AND (member = $1 OR $1 = '') ORDER BY member, idx LIMIT 1000`, string(member), typ, subject)
}

// saidAny lists entries of two kinds whose subject begins so, by member and in order.
func saidAny(ctx context.Context, q db.Querier, types []string, begins string) ([]Said, error) {
	return db.All(ctx, q, scanSaid, `SELECT member, idx, typ, body, said_us FROM succession_said
		WHERE (typ = $1 OR typ = $2) AND substr(subject, 1, $3) = $4 ORDER BY member, idx LIMIT 1000`, types[0], types[1], len(begins), begins)
}

// NoticeSubjects lists who ever had a notice, and for which service.
func (p *Papers) NoticeSubjects(ctx context.Context) ([]NoticeOf, error) {
	return db.All(ctx, p.DB, func(r db.Row) (n NoticeOf, err error) { return n, r.Scan(&n.Owner, &n.Service) },
		`SELECT DISTINCT member, subject FROM succession_said WHERE typ = $1 ORDER BY member, subject`, TypeNoticeSaid)
}

// NoticeOf names whose notice for what.
type NoticeOf struct {
	Owner   core.MemberID
	Service string
}

// Held is a document as it is kept.
type Held struct {
	ID, Typ  string
	Owner    core.MemberID
	Service  string
	Member   core.MemberID // who offers or takes over; empty for a notice
	Envelope seal.Envelope
	Got      core.Moment
	Refused  string // words key of why nobody here reads it; empty = people do
}

const heldColumns = `id, typ, owner, service, member, envelope, got_us, refused`

func scanHeld(r db.Row) (h Held, err error) {
	var env string
	if err := r.Scan(&h.ID, &h.Typ, &h.Owner, &h.Service, &h.Member, &env, &h.Got, &h.Refused); err != nil {
		return h, err
	}
	h.Envelope, err = seal.DecodeEnvelope([]byte(env))
	return h, err
}

// Put keeps a document; a handover with a second signature takes the place of itself with one.
// Returns CodeFull "succession.paper.full" beyond what is kept of one owner.
func (p *Papers) Put(ctx context.Context, h Held) error {
	env, err := h.Envelope.Encode()
	if err != nil {
		return err
	}
	return p.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		before, err := get(ctx, q, h.ID)
		switch {
		case err == nil && len(before.Envelope.Signatures) >= len(h.Envelope.Signatures):
			return nil
		case err != nil && core.CodeOf(err) != core.CodeNotFound:
			return err
		}
		count, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM succession_paper WHERE owner = $1`, string(h.Owner))
		if err != nil {
			return err
		}
		if count >= maxHeld {
			return core.Full("succession.paper.full", errors.New("many documents of one owner"))
		}
		_, err = db.Exec(ctx, q, `INSERT INTO succession_paper (`+heldColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (id) DO UPDATE SET envelope = excluded.envelope`,
			h.ID, h.Typ, string(h.Owner), h.Service, string(h.Member), string(env), int64(h.Got), h.Refused)
		return err
	})
}

func get(ctx context.Context, q db.Querier, id string) (Held, error) {
	h, err := db.One(ctx, q, scanHeld, `SELECT `+heldColumns+` FROM succession_paper WHERE id = $1`, id)
	if errors.Is(err, db.ErrNoRow) {
		err = core.NotFound("succession.paper.unknown", err)
	}
	return h, err
}

// Get finds a document. Returns CodeNotFound "succession.paper.unknown".
func (p *Papers) Get(ctx context.Context, id string) (Held, error) { return get(ctx, p.DB, id) }

// Handover is one that both signed. Returns CodeNotFound "succession.paper.unknown".
func (p *Papers) Handover(ctx context.Context, id string) (Handover, error) {
	h, err := p.Get(ctx, id)
	if err == nil && (h.Typ != TypeHandover || len(h.Envelope.Signatures) < 2) {
		err = core.NotFound("succession.paper.unknown", errors.New("one signature"))
	}
	if err != nil {
		return Handover{}, err
	}
	return Peek[Handover](h.Envelope) // verified when it was kept
}

// Notice is one that people may read. Returns CodeNotFound "succession.paper.unknown".
func (p *Papers) Notice(ctx context.Context, id string) (Notice, error) {
	h, err := p.Get(ctx, id)
	if err == nil && (h.Typ != TypeNotice || h.Refused != "") {
		err = core.NotFound("succession.paper.unknown", errors.New("no notice for people"))
	}
	if err != nil {
		return Notice{}, err
	}
	return Peek[Notice](h.Envelope)
}

// Of lists an owner's documents of a type for a service, the oldest first; service "" = all.
func (p *Papers) Of(ctx context.Context, owner core.MemberID, service, typ string) ([]Held, error) {
	return db.All(ctx, p.DB, scanHeld, `SELECT `+heldColumns+` FROM succession_paper
		WHERE owner = $1 AND (service = $2 OR $2 = '') AND typ = $3 ORDER BY got_us, id LIMIT 1000`, string(owner), service, typ)
}

// Offers are the last of each member for a service, in the order they came.
func (p *Papers) Offers(ctx context.Context, owner core.MemberID, service string) ([]Offer, error) {
	all, err := p.Of(ctx, owner, service, TypeOffer)
	var out []Offer
	for _, h := range all {
		o, err := Peek[Offer](h.Envelope)
		if err != nil {
			return nil, err
		}
		out = append(slices.DeleteFunc(out, func(before Offer) bool { return before.By == o.By }), o)
	}
	return out, err
}
