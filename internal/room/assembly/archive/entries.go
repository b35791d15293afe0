package archive

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/tally"
)

// The types of the entries that no count reads.
// spec: docs/spec/decision.md#words
const (
	TypeRemark    = "entrechat/remark/1"
	TypeWithdrawn = "entrechat/withdrawn/1"
	TypeReview    = "entrechat/review/1"

	typeFork = "entrechat/fork/1" // of kit/logbook
)

// Entries are the kinds of entries that are written here, each with the words key that says
// what it is.
func Entries() map[string]string {
	return map[string]string{
		tally.TypeProposal: "assembly.decision.entry_proposal", tally.TypeObjection: "assembly.decision.entry_objection",
		tally.TypeLifted: "assembly.decision.entry_lifted", tally.TypeBallot: "assembly.decision.entry_ballot",
		tally.TypeOpening: "assembly.decision.entry_opening", tally.TypeSeen: "assembly.decision.entry_seen",
		tally.TypeOutcome: "assembly.decision.entry_outcome", TypeRemark: "assembly.decision.entry_remark",
		TypeWithdrawn: "assembly.decision.entry_withdrawn", TypeReview: "assembly.decision.entry_review",
	}
}

// EntryBody is what any of them may say.
type EntryBody struct {
	Proposal string        `json:"proposal"`
	Charter  string        `json:"charter"`
	Replaces string        `json:"replaces"`
	Doc      string        `json:"doc"`
	Word     string        `json:"word"`
	Result   string        `json:"result"`
	Tally    string        `json:"tally"`
	Commit   string        `json:"commit"`
	Origin   core.MemberID `json:"origin"`
}

// DocBody is the body of remarks and of texts taken back.
type DocBody struct {
	Proposal string `json:"proposal,omitempty"`
	Doc      string `json:"doc"`
}

// ReviewBody is the body of a word on the review day.
type ReviewBody struct {
	Proposal string `json:"proposal"`
	Word     string `json:"word"`
}

// Readers take in what logbooks say of decisions.
func (a *Archive) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name: "assembly_decision",
		Types: []string{
			tally.TypeProposal, tally.TypeObjection, tally.TypeLifted, tally.TypeBallot, tally.TypeOpening, tally.TypeSeen, tally.TypeOutcome,
			TypeRemark, TypeWithdrawn, TypeReview, typeFork,
		},
		Read: a.heard,
		Truncated: func(ctx context.Context, log core.MemberID, index int64) error {
			defer a.Wake()
			return takeBack(ctx, a.DB, log, index)
		},
	}}
}

func (a *Archive) heard(ctx context.Context, e logbook.Entry) error {
	h, b, ok := read(e)
	if !ok {
		return nil
	}
	defer a.Wake()
	return a.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := putEntry(ctx, q, h); err != nil {
			return err
		}
		switch e.Typ {
		case tally.TypeProposal:
			return a.wanted(ctx, q, h, KindProposal, b.Proposal)
		case TypeWithdrawn:
			return Erase(ctx, q, b.Doc, e.Log)
		}
		if kind, ok := wordKind(e.Typ); ok {
			return a.wanted(ctx, q, h, kind, b.Doc)
		}
		return nil
	})
}

// read looks whether an entry says something that can be true.
func read(e logbook.Entry) (h Entry, b EntryBody, ok bool) {
	if wire.Peek(e.Body, &b) != nil {
		return h, b, false
	}
	h = Entry{Entry: tally.Entry{Member: e.Log, Index: e.Index, Typ: e.Typ, Iat: e.Iat, Body: e.Body}, Proposal: b.Proposal, Doc: b.Doc}
	switch e.Typ {
	case typeFork:
		text, err := wire.Encode(map[string]string{"origin": string(b.Origin)}) // the proofs are long
		h.Proposal, h.Doc, h.Body = "", string(b.Origin), text
		return h, b, err == nil && b.Origin.Valid()
	case TypeWithdrawn:
		h.Proposal = ""
		return h, b, motion.ValidID(b.Doc)
	case tally.TypeProposal:
		h.Doc = b.Replaces
		return h, b, motion.ValidID(b.Proposal) && motion.ValidID(b.Charter) && (b.Replaces == "" || motion.ValidID(b.Replaces))
	case tally.TypeObjection, tally.TypeLifted, TypeRemark:
		return h, b, motion.ValidID(b.Proposal) && motion.ValidID(b.Doc)
	}
	h.Doc = ""
	return h, b, motion.ValidID(b.Proposal)
}

// wordKind is the kind of document that an entry about a proposal names; false = it names none.
func wordKind(typ string) (Kind, bool) {
	switch typ {
	case tally.TypeObjection:
		return KindObjection, true
	case TypeRemark:
		return KindRemark, true
	}
	return "", false
}

// hasRoom says whether one more document of a kind is fetched for a logbook. Words about a proposal
// that is not here are looked for when it comes.
func hasRoom(ctx context.Context, q db.Querier, h Entry, kind Kind) (bool, error) {
	if kind == KindProposal {
		n, err := countWants(ctx, q, h.Member, kind, "")
		return n < maxWanted, err
	}
	r, err := Proposal(ctx, q, h.Proposal)
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil
	}
	if err != nil || !r.P.Has(h.Member) {
		return false, err
	}
	n, err := countWants(ctx, q, h.Member, kind, h.Proposal)
	if err != nil {
		return false, err
	}
	have, err := countPapers(ctx, q, h.Proposal, h.Member, kind)
	return n+have < mostWords(kind), err
}

// wanted has a document fetched, unless it is here or its author took it back.
func (a *Archive) wanted(ctx context.Context, q db.Querier, h Entry, kind Kind, doc string) error {
	have, err := hasPaper(ctx, q, doc)
	if err != nil || have {
		return err
	}
	gone, err := withdrawn(ctx, q, doc, h.Member)
	if err != nil || gone {
		return err
	}
	if room, err := hasRoom(ctx, q, h, kind); err != nil || !room {
		return err
	}
	return putWant(ctx, q, want{doc: doc, log: h.Member, kind: kind, proposal: h.Proposal, iat: h.Iat, next: a.now()})
}

// withdrawn says whether the author of a document took it back.
func withdrawn(ctx context.Context, q db.Querier, doc string, author core.MemberID) (bool, error) {
	all, err := EntriesNaming(ctx, q, TypeWithdrawn, doc)
	for _, e := range all {
		if e.Member == author {
			return true, nil
		}
	}
	return false, err
}

// Peek reads a body; what cannot be read says nothing.
func Peek(body []byte, v any) bool { return wire.Peek(body, v) == nil }

// SeenBody reads what a witness saw; false = it cannot be read.
func SeenBody(body []byte) (b tally.SeenBody, ok bool) { return b, Peek(body, &b) }
