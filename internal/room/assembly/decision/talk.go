package decision

import (
	"context"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/tally"
)

const (
	// talkAfter is how long after the count remarks may still be made.
	talkAfter = 60 * 24 * time.Hour
	// always is how long an entry may wait for the logbook that has no end of its own.
	always = 366 * 24 * time.Hour
)

// Say makes a remark to a proposal, and answers its id. Returns CodeDenied for who is not in the electorate,
// CodeConflict for one that is over, CodeInvalid.
func (s speaker) Say(ctx context.Context, id, text string) (string, error) {
	r, err := s.speaks(ctx, id)
	if err != nil {
		return "", err
	}
	if s.now() > r.P.CountedAt().Add(talkAfter) {
		return "", over("assembly.decision.talk_over")
	}
	d, err := motion.Say(motion.Remark{Proposal: r.ID, Lang: s.n.Lang, Text: motion.Tidy(text)}, s.n.Signer)
	if err != nil {
		return "", err
	}
	return d.ID, s.keepWord(ctx, r, archive.KindRemark, d, s.now().Add(always))
}

// Harm is an objection as a person writes it.
type Harm struct {
	About            motion.About // empty = text
	Harm, Whom, Lift string
}

// Object makes an objection, and answers its id. A member has one at a time. Returns CodeConflict
// where one of ours stands or the time for it is over, CodeDenied, CodeInvalid.
func (s speaker) Object(ctx context.Context, id string, h Harm) (string, error) {
	r, err := s.speaks(ctx, id)
	if err != nil {
		return "", err
	}
	if h.About == "" {
		h.About = motion.AboutText
	}
	q := archive.Question([]archive.Row{r}, r.ID)
	until := q.End(q.WordPhase())
	if h.About == motion.AboutElectorate {
		until = r.P.TalkUntil
	}
	if s.now() > until {
		return "", over("assembly.decision.objections_over")
	}
	own, err := s.objections(ctx, r.Chain)
	if err != nil {
		return "", err
	}
	for _, o := range own {
		if !o.lifted {
			return "", core.Conflict("assembly.decision.one_objection", errors.New("one stands")).With("ID", short(o.doc))
		}
	}
	d, err := motion.Object(motion.Objection{
		Proposal: r.ID, About: h.About, Lang: s.n.Lang, Harm: motion.Tidy(h.Harm), Whom: motion.Tidy(h.Whom), Lift: motion.Tidy(h.Lift),
	}, s.n.Signer)
	if err != nil {
		return "", err
	}
	return d.ID, s.keepWord(ctx, r, archive.KindObjection, d, until)
}

// keepWord keeps a document of ours and has the logbook say it.
func (s speaker) keepWord(ctx context.Context, r archive.Row, kind archive.Kind, d motion.Document, until core.Moment) error {
	typ := archive.TypeRemark
	if kind == archive.KindObjection {
		typ = tally.TypeObjection
	}
	return s.a.Say(ctx, func(ctx context.Context, q db.Querier, from int64) error {
		if err := archive.PutPaper(ctx, q, archive.Paper{ID: d.ID, Kind: kind, Author: s.self(), Proposal: r.ID, Envelope: d.Envelope, Kept: s.now()}); err != nil {
			return err
		}
		return s.a.Utter(ctx, q, archive.Saying{ID: "word/" + d.ID, Proposal: r.ID, Typ: typ, From: from, Until: until}, tally.WordBody{Proposal: r.ID, Doc: d.ID})
	})
}

// Lift takes our objection in a decision back. Returns CodeNotFound where none of ours stands,
// CodeConflict after the time for it.
func (s speaker) Lift(ctx context.Context, id string) error {
	r, err := s.speaks(ctx, id)
	if err != nil {
		return err
	}
	own, err := s.objections(ctx, r.Chain)
	if err != nil {
		return err
	}
	q := archive.Question([]archive.Row{r}, r.ID)
	until := q.End(q.WordPhase())
	if s.now() > until {
		return over("assembly.decision.objections_over")
	}
	for _, o := range own {
		if o.lifted {
			continue
		}
		return s.a.Say(ctx, func(ctx context.Context, q db.Querier, from int64) error {
			return s.a.Utter(ctx, q, archive.Saying{ID: "lifted/" + o.doc, Proposal: r.ID, Typ: tally.TypeLifted, From: from, Until: until}, tally.WordBody{Proposal: r.ID, Doc: o.doc})
		})
	}
	return core.NotFound("assembly.decision.no_objection", errors.New("none of ours stands"))
}

// Withdraw takes the text of a document of ours away, everywhere where it is read. doc is its
// id, or its beginning. Returns CodeNotFound, CodeConflict.
func (s speaker) Withdraw(ctx context.Context, doc string) error {
	id, err := archive.FindDocument(ctx, s.n.DB, s.self(), doc)
	if err != nil {
		return err
	}
	return s.a.Say(ctx, func(ctx context.Context, q db.Querier, from int64) error {
		if err := archive.Erase(ctx, q, id, s.self()); err != nil {
			return err
		}
		return s.a.Utter(ctx, q, archive.Saying{ID: "withdrawn/" + id, Typ: archive.TypeWithdrawn, From: from, Until: s.now().Add(always)}, archive.DocBody{Doc: id})
	})
}

// speaks is the newest version of a proposal that we may speak about.
func (b *base) speaks(ctx context.Context, id string) (archive.Row, error) {
	id, err := archive.Find(ctx, b.n.DB, id)
	if err != nil {
		return archive.Row{}, err
	}
	r, err := archive.Proposal(ctx, b.n.DB, id)
	if err != nil {
		return r, err
	}
	if r, err = archive.Newest(ctx, b.n.DB, r.Chain); err != nil {
		return r, err
	}
	if !r.P.Has(b.self()) {
		return r, core.Denied("assembly.decision.not_elector", errors.New("not in the electorate"))
	}
	other, err := archive.Rival(ctx, b.n.DB, r)
	if err == nil && other != "" {
		err = core.Conflict("assembly.decision.no_count", errors.New("another of its author is open")).With("ID", short(other))
	}
	return r, err
}

func over(key string) error { return core.Conflict(key, errors.New("the time for it is over")) }

// ownObjection is one that we made in a chain.
type ownObjection struct {
	doc    string
	lifted bool
}

// objections lists ours in a chain, the oldest first: those that lie here, and those that our
// logbook says were made before a recovery.
func (b *base) objections(ctx context.Context, chain string) (out []ownObjection, err error) {
	versions, err := archive.Chain(ctx, b.n.DB, chain)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	add := func(doc string) error {
		if known[doc] {
			return nil
		}
		known[doc] = true
		lifted, err := b.lifted(ctx, doc)
		out = append(out, ownObjection{doc, lifted})
		return err
	}
	for _, v := range versions {
		docs, err := b.objectionsTo(ctx, v.ID)
		for _, doc := range docs {
			err = errors.Join(err, add(doc))
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// objectionsTo lists ours to one version, some twice.
func (b *base) objectionsTo(ctx context.Context, version string) (docs []string, err error) {
	entries, err := archive.EntriesOf(ctx, b.n.DB, version)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Member == b.self() && e.Typ == tally.TypeObjection {
			docs = append(docs, e.Doc)
		}
	}
	papers, err := archive.PapersOf(ctx, b.n.DB, version)
	for _, p := range papers {
		if p.Author == b.self() && p.Kind == archive.KindObjection {
			docs = append(docs, p.ID)
		}
	}
	return docs, err
}

func (b *base) lifted(ctx context.Context, doc string) (bool, error) {
	s, ok, err := archive.GetSaying(ctx, b.n.DB, "lifted/"+doc)
	if err != nil || ok && s.Entry != archive.TooLate {
		return ok, err
	}
	all, err := archive.EntriesNaming(ctx, b.n.DB, tally.TypeLifted, doc)
	for _, e := range all {
		if e.Member == b.self() {
			return true, nil
		}
	}
	return false, err
}
