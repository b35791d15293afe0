package tally

import (
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// book is what the logbooks say about a question and the versions before it.
type book struct {
	q        *Question
	versions map[string]*version
	ballots  map[core.MemberID][]ballot  // about the question alone, by index
	openings map[core.MemberID][]opening // the same
	words    map[core.MemberID][]word    // in time, about any version, by index
	forks    map[core.MemberID]int       // how many others have a proof
	newer    bool                        // a new version came in time
}

type ballot struct {
	entry  Entry
	commit string
}

type opening struct {
	entry Entry
	bytes []byte
}

// word is an objection, or its lifting.
type word struct {
	index  int64
	lifted bool
	doc    string
}

// version is one of the chain, and who saw what of it.
type version struct {
	*Question

	ordinals map[core.MemberID]int64
	seen     map[Phase]map[Sighting]witnessed
}

// witnessed is by how many members an entry was seen, and the ordinal of the last of them.
type witnessed struct {
	by   int
	last int64
}

// read sorts the entries and keeps what is about the question.
func read(q *Question, entries []Entry) *book {
	b := &book{
		q: q, versions: map[string]*version{}, ballots: map[core.MemberID][]ballot{}, openings: map[core.MemberID][]opening{},
		words: map[core.MemberID][]word{}, forks: map[core.MemberID]int{},
	}
	for i := range q.Earlier {
		b.add(&q.Earlier[i])
	}
	b.add(q)
	sorted := slices.SortedFunc(slices.Values(entries), compare)
	sorted = slices.CompactFunc(sorted, func(a, c Entry) bool { return compare(a, c) == 0 })
	b.witnesses(sorted)
	b.forked(sorted)
	for _, e := range sorted {
		b.take(e)
	}
	return b
}

func (b *book) add(q *Question) {
	v := &version{Question: q, ordinals: map[core.MemberID]int64{}, seen: map[Phase]map[Sighting]witnessed{}}
	for i, m := range q.Electorate {
		v.ordinals[m.ID] = int64(i)
	}
	b.versions[q.ID] = v
}

// witnesses counts who saw what. The entries of one member stand together.
// spec: docs/spec/decision.md#witnesses
func (b *book) witnesses(sorted []Entry) {
	for _, e := range sorted {
		var body SeenBody
		if e.Typ != TypeSeen || wire.Decode(e.Body, &body) != nil {
			continue
		}
		v := b.versions[body.Proposal]
		if v == nil || e.Iat < v.Opened || e.Iat > min(v.End(body.Phase).Add(v.Grace), b.q.Due()) {
			continue
		}
		witness, ok := v.ordinals[e.Member]
		if !ok {
			continue
		}
		seen := v.seen[body.Phase]
		if seen == nil {
			seen = map[Sighting]witnessed{}
			v.seen[body.Phase] = seen
		}
		for _, what := range body.Seen {
			if before := seen[what]; what.Ordinal != witness && (before.by == 0 || before.last != witness) {
				seen[what] = witnessed{before.by + 1, witness}
			}
		}
	}
}

// forked counts who has a proof against whom.
func (b *book) forked(sorted []Entry) {
	done := map[[2]core.MemberID]bool{}
	for _, e := range sorted {
		var body struct {
			Origin core.MemberID `json:"origin"`
		}
		if e.Typ != typeFork || e.Iat < b.q.Opened || e.Iat > b.q.Due() || b.q.Ordinal(e.Member) < 0 || wire.Peek(e.Body, &body) != nil {
			continue
		}
		pair := [2]core.MemberID{e.Member, body.Origin}
		if body.Origin != e.Member && !done[pair] {
			done[pair] = true
			b.forks[body.Origin]++
		}
	}
}

// trouble is why an entry is not in time for a phase, as said of a ballot; "" where it is.
// spec: docs/spec/decision.md#witnesses
func (v *version) trouble(e Entry, p Phase) Reason {
	ordinal, ok := v.ordinals[e.Member]
	switch {
	case e.Iat < v.Opened:
		return Early
	case e.Iat > v.End(p):
		return Late
	case !ok || v.seen[p][Sighting{ordinal, e.Index}].by < v.Need():
		return Unseen
	}
	return ""
}

// take keeps one entry where it is about the question.
func (b *book) take(e Entry) {
	if b.q.Ordinal(e.Member) < 0 {
		return
	}
	switch e.Typ {
	case TypeBallot:
		var body BallotBody
		if wire.Decode(e.Body, &body) == nil && body.Proposal == b.q.ID && hash64(body.Commit) && len(body.Sealed) <= MaxSealed {
			b.ballots[e.Member] = append(b.ballots[e.Member], ballot{e, body.Commit})
		}
	case TypeOpening:
		var body OpeningBody
		if wire.Decode(e.Body, &body) == nil && body.Proposal == b.q.ID {
			b.openings[e.Member] = append(b.openings[e.Member], opening{e, body.Opening})
		}
	case TypeObjection, TypeLifted:
		var body WordBody
		if wire.Decode(e.Body, &body) != nil || !hash64(body.Doc) {
			return
		}
		if v := b.versions[body.Proposal]; v != nil && e.Iat <= b.q.Due() && v.trouble(e, v.WordPhase()) == "" {
			b.words[e.Member] = append(b.words[e.Member], word{e.Index, e.Typ == TypeLifted, body.Doc})
		}
	case TypeProposal:
		var body ProposalBody
		if e.Member == b.q.By && wire.Decode(e.Body, &body) == nil && body.Replaces == b.q.ID {
			b.newer = b.newer || b.versions[b.q.ID].trouble(e, b.q.WordPhase()) == ""
		}
	}
}

func (b *book) replaced() bool { return b.newer }

// void says whether a member's ballots are void: enough others have the proof that its
// logbook was forked.
func (b *book) void(id core.MemberID) bool { return b.forks[id] >= max(1, b.q.Need()) }

// line is what became of a member's ballots.
func (b *book) line(id core.MemberID) Line {
	line := Line{Member: id, Status: None, Index: -1}
	if b.void(id) {
		line.Status, line.Reason = Void, Forked
		return line
	}
	if b.q.Kind == KindLazy {
		return line
	}
	commit := ""
	for _, one := range b.ballots[id] {
		trouble := b.versions[b.q.ID].trouble(one.entry, PhaseCommit)
		if trouble == "" {
			commit, line.Index, line.Status = one.commit, one.entry.Index, Unopened
			continue
		}
		line.Refused = append(line.Refused, Refused{one.entry.Index, one.entry.Iat, trouble})
	}
	switch {
	case line.Status == Unopened:
		b.open(&line, commit)
	case len(line.Refused) > 0:
		line.Reason = line.Refused[len(line.Refused)-1].Reason
	}
	return line
}

// open finds the opening of a commit, and what it says.
func (b *book) open(line *Line, commit string) {
	line.Reason = Silent
	for _, one := range b.openings[line.Member] {
		switch b.versions[b.q.ID].trouble(one.entry, PhaseReveal) {
		case Early:
			line.Reason = OpenedEarly
		case Late:
			line.Reason = OpenedLate
		case Unseen:
			line.Reason = OpeningUnseen
		default:
			if Commit(one.bytes) == commit {
				b.choice(line, one.bytes)
				return
			}
			line.Reason = OtherBytes
		}
	}
}

// choice reads what was sealed.
func (b *book) choice(line *Line, sealed []byte) {
	var o opened
	switch {
	case wire.Decode(sealed, &o) != nil || !hash64(o.Nonce):
		line.Reason = Unreadable
		return
	case o.Proposal != b.q.ID:
		line.Reason = OtherProposal
		return
	case o.Member != line.Member:
		line.Reason = OtherMember
		return
	}
	choice, err := ParseChoice(o.Choice)
	line.Status = Bad
	switch {
	case err != nil || !choice.Fits(b.q):
		line.Reason = Misfit
	case choice.Stance == Object && !b.objected(line.Member, choice.Objection):
		line.Reason = NoObjection
	default:
		line.Status, line.Reason, line.Choice, line.nonce = Open, "", choice, o.Nonce
	}
}

// objected says whether the member made this objection in time.
func (b *book) objected(id core.MemberID, doc string) bool {
	return slices.ContainsFunc(b.words[id], func(w word) bool { return !w.lifted && w.doc == doc })
}

// standing is whose objections nobody lifted, in the order of the electorate.
func (b *book) standing(lines []Line) []core.MemberID {
	var all []core.MemberID
	for _, l := range lines {
		if l.Status == Void || l.Status == Open && l.Choice.Stance != "" && l.Choice.Stance != Object {
			continue
		}
		words := b.words[l.Member]
		if slices.ContainsFunc(words, func(w word) bool {
			return !w.lifted && !slices.ContainsFunc(words, func(lift word) bool {
				return lift.lifted && lift.doc == w.doc && lift.index > w.index
			})
		}) {
			all = append(all, l.Member)
		}
	}
	return all
}
