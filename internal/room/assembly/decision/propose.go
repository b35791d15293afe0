package decision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/tally"
)

// maxOpen is how many proposals are open in a collective before a node proposes no more.
// spec: docs/spec/decision.md#proposal
const maxOpen = 10

// Draft is a proposal as a person writes it. A duration of zero is the usual one.
type Draft struct {
	Collective string // id of the charter, or its beginning; of a new version it may be empty
	Kind       tally.Kind
	Title      string
	Text       string // Markdown
	Options    []string
	Review     string // the day; empty for a poll
	Replaces   string // id of the version before, or its beginning
	Fallback   bool   // the last round
	Needs      []string
	Incidents  []string

	Talk, Commit, Reveal, Grace time.Duration
}

// Propose puts a proposal to the vote, or a new version of one of ours, and answers its id. Returns CodeInvalid,
// CodeNotFound, CodeConflict where one of ours is open already or ten are, CodeUnsure
// "assembly.decision.kept" while the logbook cannot be written: then it is kept.
func (p proposer) Propose(ctx context.Context, d Draft) (id string, err error) {
	said, doc, err := p.sign(ctx, d)
	if err != nil {
		return "", err
	}
	now := said.Opened
	return doc.ID, p.a.Say(ctx, func(ctx context.Context, q db.Querier, from int64) error {
		r, err := p.a.RowOf(ctx, q, doc.ID, said)
		if err != nil {
			return err
		}
		if err := archive.PutPaper(ctx, q, archive.Paper{ID: doc.ID, Kind: archive.KindProposal, Author: said.By, Proposal: doc.ID, Envelope: doc.Envelope, Kept: now}); err != nil {
			return err
		}
		if err := archive.PutProposal(ctx, q, r); err != nil {
			return err
		}
		return p.a.Utter(ctx, q, archive.Saying{ID: "proposal/" + doc.ID, Proposal: doc.ID, Typ: tally.TypeProposal, From: from, Until: min(now.Add(time.Hour), said.CommitUntil)},
			tally.ProposalBody{Proposal: doc.ID, Charter: said.Charter, Replaces: said.Replaces})
	})
}

// Try answers the proposal that Propose would put to the vote now, and keeps nothing of it. Returns
// what Propose does.
func (p proposer) Try(ctx context.Context, d Draft) (motion.Proposal, error) {
	said, _, err := p.sign(ctx, d)
	return said, err
}

// sign draws up the electorate and signs the proposal.
func (p proposer) sign(ctx context.Context, d Draft) (said motion.Proposal, doc motion.Document, err error) {
	before, err := p.before(ctx, &d)
	if err != nil {
		return said, doc, err
	}
	now := p.now()
	drawn, err := p.n.Electors.Draw(ctx, d.Collective, now)
	if err != nil {
		return said, doc, err
	}
	earlier, err := p.a.Parts(ctx, drawn.Charter.ID, now)
	if err != nil {
		return said, doc, err
	}
	said = motion.Proposal{
		Charter: drawn.Charter.ID, Kind: d.Kind, Lang: p.n.Lang, Title: motion.Tidy(d.Title), Text: motion.Tidy(d.Text), Options: d.Options,
		Version: 1, Fallback: d.Fallback, Opened: now, Review: d.Review, Electorate: drawn.Electorate(earlier), Heads: drawn.Heads,
		From: motion.From{Needs: d.Needs, Incidents: d.Incidents},
	}
	if before != nil {
		said.Version, said.Replaces = before.P.Version+1, before.ID
	}
	d.times(&said, before)
	if err := p.mayPropose(ctx, said, before); err != nil {
		return said, doc, err
	}
	return motion.Propose(said, p.n.Signer)
}

// before is the version that a draft takes the place of; nil = none. What the draft leaves out
// is as it was there.
func (p proposer) before(ctx context.Context, d *Draft) (*archive.Row, error) {
	if d.Replaces == "" {
		return nil, nil //nolint:nilnil // the first version
	}
	id, err := archive.Find(ctx, p.n.DB, d.Replaces)
	if err != nil {
		return nil, err
	}
	r, err := archive.Proposal(ctx, p.n.DB, id)
	if err != nil {
		return nil, err
	}
	last, err := archive.Newest(ctx, p.n.DB, r.Chain)
	if err != nil {
		return nil, err
	}
	if r.P.By != p.self() {
		return nil, core.Denied("assembly.decision.not_author", fmt.Errorf("a proposal of %s", r.P.By)).With("Author", r.P.By)
	}
	d.Collective, d.Kind, d.Replaces = r.P.Charter, r.P.Kind, last.ID
	old, _, err := p.text(ctx, last.ID)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return nil, err
	}
	if d.Title == "" {
		d.Title = old.Title
	}
	if d.Text == "" {
		d.Text = old.Text
	}
	if len(d.Options) == 0 {
		d.Options = old.Options
	}
	if d.Review == "" {
		d.Review = old.Review
	}
	if len(d.Needs)+len(d.Incidents) == 0 {
		d.Needs, d.Incidents = old.From.Needs, old.From.Incidents
	}
	return &last, nil
}

// times sets the ends of the phases. A new version goes on with the talk of the one before.
func (d Draft) times(p *motion.Proposal, before *archive.Row) {
	or := func(d, usual time.Duration) time.Duration {
		if d == 0 {
			return usual
		}
		return d
	}
	p.GraceUS = or(d.Grace, tally.GraceLeast).Microseconds()
	if before != nil && p.Kind != tally.KindLazy {
		p.TalkUntil = max(p.Opened, before.P.TalkUntil)
		if d.Talk != 0 {
			p.TalkUntil = p.Opened.Add(d.Talk)
		}
	} else {
		p.TalkUntil = p.Opened.Add(or(d.Talk, tally.TalkLeast))
	}
	if p.Kind == tally.KindLazy {
		p.CommitUntil, p.RevealUntil = p.TalkUntil, p.TalkUntil
		return
	}
	p.CommitUntil = p.TalkUntil.Add(or(d.Commit, tally.CommitLeast))
	p.RevealUntil = p.CommitUntil.Add(or(d.Reveal, tally.RevealLeast))
}

// mayPropose says whether there is room for one more.
func (p proposer) mayPropose(ctx context.Context, said motion.Proposal, before *archive.Row) error {
	if !said.Has(p.self()) {
		return core.Denied("assembly.motion.not_elector", errors.New("not in the electorate"))
	}
	open, err := archive.OpenAt(ctx, p.n.DB, said.Charter, said.Opened)
	if err != nil {
		return err
	}
	chains := map[string]bool{}
	for _, r := range open {
		if before != nil && r.Chain == before.Chain {
			continue
		}
		rival, err := archive.Rival(ctx, p.n.DB, r)
		if err != nil {
			return err
		}
		if rival != "" { // it does not count
			continue
		}
		chains[r.Chain] = true
		if r.P.By == p.self() {
			return core.Conflict("assembly.decision.one_open", errors.New("one of ours is open")).With("ID", short(r.ID))
		}
	}
	if len(chains) >= maxOpen {
		return core.Conflict("assembly.decision.ten_open", errors.New("ten are open"))
	}
	if before == nil {
		return nil
	}
	return p.mayReplace(ctx, said, *before)
}

// mayReplace says whether a new version may follow: before the ballots of the old one are
// opened, or after it came to nothing.
func (p proposer) mayReplace(ctx context.Context, said motion.Proposal, before archive.Row) error {
	q := archive.Question([]archive.Row{before}, before.ID)
	if said.Opened <= q.End(q.WordPhase()) {
		return nil
	}
	if said.Opened <= before.P.CountedAt() {
		return core.Conflict("assembly.decision.being_counted", errors.New("ballots are being opened"))
	}
	c, err := p.a.Count(ctx, p.n.DB, before)
	if err != nil {
		return err
	}
	switch c.T.Result { //nolint:exhaustive // all others came to something
	case tally.Blocked, tally.NoQuorum, tally.Objected:
		if said.Version == 4 && (!said.Fallback || c.T.Result != tally.Blocked) {
			return core.Invalid("assembly.motion.too_many_versions", errors.New("a fourth version"))
		}
		return nil
	}
	return core.Conflict("assembly.decision.decided", fmt.Errorf("it is %s", c.T.Result))
}

// short is an id as it is shown to people.
func short(id string) string { return id[:min(12, len(id))] }

// text reads the document of a proposal. gone: its author took the text back.
func (b *base) text(ctx context.Context, id string) (p motion.Proposal, gone bool, err error) {
	d, err := archive.GetPaper(ctx, b.n.DB, id)
	if err != nil || d.Gone {
		return p, d.Gone, err
	}
	p, _, err = motion.ReadProposal(d.Envelope)
	return p, false, err
}
