package archive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/tally"
)

// PathDocuments is where a document is asked for, by its id.
const PathDocuments = "/ec/v1/decisions/documents/"

// What is fetched of others, at most.
const (
	maxProposals = 12        // of one member in a collective within a month
	maxWanted    = 200       // proposals of one member that are to be fetched
	maxKept      = 512 << 20 // bytes of all documents
	maxOwned     = 32 << 20  // bytes of all documents of one author
	sources      = 6         // how many members are asked for one document at a time
	patience     = 10 * time.Second
	wantedFor    = 400 * 24 * time.Hour // after that nobody has it any more
)

// mostWords is how many documents of one member about one version are fetched.
func mostWords(kind Kind) int64 {
	if kind == KindRemark {
		return 100
	}
	return 20 // objections
}

const month = 30 * 24 * time.Hour

// errWaits says that something else has to come first.
var errWaits = errors.New("something else comes first")

// errUseless says that the document will never be taken.
var errUseless = errors.New("nothing that is taken here")

// Fetch asks for what is due, and says when to come again; 0 = nothing is wanted.
func (a *Archive) Fetch(ctx context.Context) (next core.Moment, err error) {
	due, err := dueWants(ctx, a.DB, a.now())
	if err != nil {
		return 0, err
	}
	tired := map[core.MemberID]bool{}
	for _, w := range due {
		err := a.fetch(ctx, w, tired)
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		switch {
		case err == nil:
		case errors.Is(err, errUseless), a.now() > w.iat.Add(wantedFor):
			err = dropWant(ctx, a.DB, w)
		default:
			w.tries++
			w.next = a.now().Add(min(time.Second<<min(w.tries, 14), 3*time.Hour))
			a.Log.Debug("a document of a decision is asked for again later", "document", w.doc[:12], "tries", w.tries, "error", err)
			err = setWant(ctx, a.DB, w)
		}
		if err != nil {
			return 0, err
		}
	}
	return nextWant(ctx, a.DB)
}

// fetch gets one document. Who does not answer gets into tired, and is not asked again in this
// round: others wait for their turn.
func (a *Archive) fetch(ctx context.Context, w want, tired map[core.MemberID]bool) error {
	if have, err := hasPaper(ctx, a.DB, w.doc); err != nil || have {
		return errors.Join(err, dropWants(ctx, a.DB, w.doc))
	}
	who, err := a.allowed(ctx, w)
	if err != nil {
		return err
	}
	for _, from := range a.near(w.log, who) {
		if tired[from] {
			continue
		}
		var env seal.Envelope
		if err = a.ask(ctx, from, w.doc, &env); err != nil {
			tired[from] = core.CodeOf(err) == core.CodeUnsure
			continue
		}
		if err = a.accept(ctx, w, env); err == nil || core.CodeOf(err) == core.CodeInternal && !errors.Is(err, errWaits) {
			return err
		}
	}
	return errors.Join(err, errWaits)
}

func (a *Archive) ask(ctx context.Context, from core.MemberID, doc string, env *seal.Envelope) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return a.Peer.JSON(ctx, from, http.MethodGet, PathDocuments+doc, nil, env)
}

// near are those who are asked: the author, then others that may have it.
func (a *Archive) near(author core.MemberID, others []core.MemberID) []core.MemberID {
	out := []core.MemberID{}
	if author != a.Self {
		out = append(out, author)
	}
	at := int(a.now()/1000) % max(len(others), 1) // not everybody asks the same one
	for i := range others {
		m := others[(at+i)%len(others)]
		if m != author && m != a.Self && len(out) < sources {
			out = append(out, m)
		}
	}
	return out
}

// allowed says who may have a document, where its author may say it: a proposal of a member
// that decides in a collective that we follow, a word of a member of the electorate.
func (a *Archive) allowed(ctx context.Context, w want) ([]core.MemberID, error) {
	size, own, err := papersSize(ctx, a.DB, w.log)
	if err != nil {
		return nil, err
	}
	if size > maxKept || own > maxOwned {
		return nil, fmt.Errorf("%d bytes of documents, %d of this author: %w", size, own, errWaits)
	}
	if w.kind == KindProposal {
		return a.allowedProposal(ctx, w)
	}
	r, err := Proposal(ctx, a.DB, w.proposal)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil, errWaits
	}
	if err != nil {
		return nil, err
	}
	n, err := countPapers(ctx, a.DB, w.proposal, w.log, w.kind)
	if err != nil {
		return nil, err
	}
	if !r.P.Has(w.log) || n >= mostWords(w.kind) {
		return nil, errUseless
	}
	return members(r.P), nil
}

func members(p motion.Proposal) []core.MemberID {
	out := make([]core.MemberID, 0, len(p.Electorate))
	for _, e := range p.Electorate {
		out = append(out, e.Member)
	}
	return out
}

func (a *Archive) allowedProposal(ctx context.Context, w want) ([]core.MemberID, error) {
	_, b, err := a.entryOf(ctx, w)
	if err != nil {
		return nil, err
	}
	followed, err := a.Electors.Followed(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range followed {
		if c.ID != b.Charter {
			continue
		}
		n, err := proposalsSince(ctx, a.DB, w.log, c.ID, a.now().Add(-month))
		if err != nil {
			return nil, err
		}
		if n >= maxProposals {
			return nil, errWaits
		}
		drawn, err := a.Electors.Draw(ctx, c.ID, a.now())
		if err != nil {
			return nil, err
		}
		var in []core.MemberID
		for _, one := range drawn.Candidates {
			if one.In() || one.Admitted {
				in = append(in, one.Member)
			}
		}
		if w.log != a.Self && !slices.Contains(in, w.log) {
			return nil, errWaits // somebody may vouch for it yet
		}
		return in, nil
	}
	return nil, errWaits // we may follow it yet
}

// entryOf is what the author's logbook says of its proposal.
func (a *Archive) entryOf(ctx context.Context, w want) (Entry, EntryBody, error) {
	all, err := EntriesOf(ctx, a.DB, w.doc)
	if err != nil {
		return Entry{}, EntryBody{}, err
	}
	for _, e := range all {
		if e.Member == w.log && e.Typ == tally.TypeProposal {
			var b EntryBody
			return e, b, wire.Peek(e.Body, &b)
		}
	}
	return Entry{}, EntryBody{}, errUseless // taken back
}

// accept keeps a document that is the one that was wanted. That the author's own logbook names
// its bytes proves it, also where the key that signed it was changed since.
func (a *Archive) accept(ctx context.Context, w want, env seal.Envelope) error {
	p := Paper{ID: w.doc, Kind: w.kind, Author: w.log, Proposal: w.proposal, Envelope: env, Kept: a.now()}
	if w.kind == KindProposal {
		return a.acceptProposal(ctx, w, p)
	}
	var d motion.Document
	var by core.MemberID
	var about string
	var err error
	if w.kind == KindRemark {
		var r motion.Remark
		r, d, err = motion.ReadRemark(env)
		by, about = r.By, r.Proposal
	} else {
		var o motion.Objection
		o, d, err = motion.ReadObjection(env)
		by, about = o.By, o.Proposal
	}
	if err != nil {
		return errors.Join(err, spoilt(d.ID, w.doc))
	}
	if d.ID != w.doc {
		return otherDocument()
	}
	if by != w.log || about != w.proposal {
		return errUseless
	}
	defer a.Wake()
	return a.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return putUnlessGone(ctx, q, p) })
}

// putUnlessGone keeps a document, unless its author took it back while it was fetched.
func putUnlessGone(ctx context.Context, q db.Querier, p Paper) error {
	gone, err := withdrawn(ctx, q, p.ID, p.Author)
	if err != nil {
		return err
	}
	if gone {
		return errUseless
	}
	return PutPaper(ctx, q, p)
}

// spoilt says that a document that breaks a rule is the one that was wanted: asking again would
// bring the same.
func spoilt(got, wanted string) error {
	if got == wanted {
		return errUseless
	}
	return nil
}

func otherDocument() error {
	return core.Invalid("assembly.decision.no_document", errors.New("another document"))
}

func (a *Archive) acceptProposal(ctx context.Context, w want, p Paper) error {
	e, b, err := a.entryOf(ctx, w)
	if err != nil {
		return err
	}
	said, d, err := motion.ReadProposal(p.Envelope)
	switch {
	case err != nil:
		return errors.Join(err, spoilt(d.ID, w.doc))
	case d.ID != w.doc:
		return otherDocument()
	case said.By != w.log || said.Charter != b.Charter || said.Replaces != b.Replaces || e.Iat < said.Opened:
		return errUseless
	}
	return a.keepProposal(ctx, p, said)
}

// keepProposal keeps a proposal whose document holds.
func (a *Archive) keepProposal(ctx context.Context, p Paper, said motion.Proposal) error {
	defer a.Wake()
	return a.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		r, err := a.RowOf(ctx, q, p.ID, said)
		if err != nil {
			return err
		}
		if err := putUnlessGone(ctx, q, p); err != nil {
			return err
		}
		if err := PutProposal(ctx, q, r); err != nil {
			return err
		}
		return a.wantWords(ctx, q, p.ID)
	})
}

// wantWords has fetched what was said about a proposal before it was here.
func (a *Archive) wantWords(ctx context.Context, q db.Querier, proposal string) error {
	all, err := EntriesOf(ctx, q, proposal)
	if err != nil {
		return err
	}
	for _, e := range all {
		if kind, ok := wordKind(e.Typ); ok {
			if err := a.wanted(ctx, q, e, kind, e.Doc); err != nil {
				return err
			}
		}
	}
	newer, err := EntriesNaming(ctx, q, tally.TypeProposal, proposal)
	if err != nil {
		return err
	}
	for _, e := range newer { // those that waited for this version
		if err := sooner(ctx, q, e.Proposal, a.now()); err != nil {
			return err
		}
	}
	return nil
}

// RowOf is a proposal as it is kept: with the chain that it belongs to.
func (a *Archive) RowOf(ctx context.Context, q db.Querier, id string, said motion.Proposal) (Row, error) {
	r := Row{ID: id, Chain: id, P: said}
	if !said.Has(a.Self) {
		r.Settled = a.now() // there is nothing that we have to do
	}
	if said.Replaces == "" {
		return r, nil
	}
	before, err := Proposal(ctx, q, said.Replaces)
	if core.CodeOf(err) == core.CodeNotFound {
		return r, errWaits
	}
	if err != nil {
		return r, err
	}
	if err := said.Follows(before.P, before.ID); err != nil {
		return r, errors.Join(err, errUseless)
	}
	r.Chain = before.Chain
	return r, nil
}
