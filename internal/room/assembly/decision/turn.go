package decision

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/tally"
)

const (
	// lookAgain is how often the database is asked whether anything is due, where nothing else
	// said so before: a command of another process may have been cut off.
	lookAgain = time.Minute
	// hearFor is how long we wait to hear everybody before we say what we counted.
	// spec: docs/spec/decision.md#tally
	hearFor = 3 * 24 * time.Hour
	// settleAfter is when a decision is left alone, whatever is missing.
	settleAfter = 30 * 24 * time.Hour
	// perMember is how many entries of one kind of one member a witness names.
	perMember = 4
	// perEntry is how many sightings fit into one entry.
	perEntry = 700
	// slots are in how many parts, after the half of the grace, a witness looks again.
	slots = 4
)

// Jobs are the work of the running node. On a node where nothing is due they sleep.
func (s *Service) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "assembly-decision", Run: wakeful(s.base, s.a.Turned, s.Turn)},
		{Name: "assembly-decision-fetch", Run: wakeful(s.base, s.a.Wanted, s.a.Fetch)},
	}
}

// wakeful does work, and waits until it says that there is more to do, or somebody wakes it.
func wakeful(b *base, woken <-chan struct{}, work func(context.Context) (core.Moment, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		next, err := work(ctx)
		if err != nil {
			return err
		}
		wait := lookAgain
		if next > 0 {
			wait = min(wait, max(next.Sub(b.now())+time.Millisecond, 200*time.Millisecond))
		}
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-woken:
			// What comes together is done together.
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
		return nil
	}
}

// Turn does all that is due: witnesses, opens, counts, tells people; it says when to come again,
// 0 = nothing is planned.
func (t turner) Turn(ctx context.Context) (next core.Moment, err error) {
	all, damaged, err := archive.Unsettled(ctx, t.n.DB)
	if err != nil {
		return 0, err
	}
	for _, id := range damaged {
		t.mu.Lock()
		said := t.said[id]
		t.said[id] = true
		t.mu.Unlock()
		if said {
			continue
		}
		t.n.Log.Error("what is kept of a decision cannot be read, and nothing is done about it: restore the database from a backup", "decision", short(id))
	}
	for _, r := range all {
		at, one := t.turn(ctx, r)
		err = errors.Join(err, one)
		if at > 0 && (next == 0 || at < next) {
			next = at
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
	return next, errors.Join(err, t.a.Finish(ctx))
}

// turn does what is due about one proposal, and says when to come again.
func (t turner) turn(ctx context.Context, r archive.Row) (next core.Moment, err error) {
	now, p := t.now(), r.P
	soon := func(at core.Moment) {
		if at > now && (next == 0 || at < next) {
			next = at
		}
	}
	other, err := archive.Rival(ctx, t.n.DB, r)
	if err != nil {
		return 0, err
	}
	switch {
	case now > p.CountedAt().Add(settleAfter), other != "" && now > p.CountedAt():
		return 0, archive.Settle(ctx, t.n.DB, r.ID, now)
	case other != "": // unless others witness it all the same
		soon(p.CountedAt() + 1)
		return next, nil
	}
	entries, err := archive.EntriesOf(ctx, t.n.DB, r.ID)
	if err != nil {
		return 0, err
	}
	q := p.Question(r.ID)
	phases := []tally.Phase{tally.PhaseCommit, tally.PhaseReveal}
	if p.Kind == tally.KindLazy {
		phases = []tally.Phase{tally.PhaseTalk}
	}
	for _, phase := range phases {
		at, one := t.witness(ctx, r, q, phase, entries)
		err = errors.Join(err, one)
		soon(at)
	}
	err = errors.Join(err, t.notify(ctx, r, soon))
	if p.Kind != tally.KindLazy {
		begin := p.CommitUntil.Add(p.Grace()) + 1
		soon(begin)
		if now >= begin && now <= p.RevealUntil {
			err = errors.Join(err, t.open(ctx, r, entries))
		}
	}
	soon(p.CountedAt() + 1)
	if err == nil && now > p.CountedAt() {
		at, one := t.outcome(ctx, r, entries)
		soon(at)
		err = one
	}
	return next, err
}

// slot is the part of the grace of a phase in which we write what we saw, from 0; false outside.
// next is when the next one begins.
func slot(p motion.Proposal, end, now core.Moment) (n int, in bool, next core.Moment) {
	begin := func(i int) core.Moment { return end + core.Moment(p.GraceUS/(2*slots)*int64(slots+i)) }
	if now > end.Add(p.Grace()) {
		return 0, false, 0
	}
	for i := range slots {
		if now < begin(i) {
			return i - 1, i > 0, begin(i)
		}
	}
	return slots - 1, true, 0
}

// witness writes which entries of others we read in time. In each part of the grace it writes
// once, where there is something new.
// spec: docs/spec/decision.md#witnesses
func (t turner) witness(ctx context.Context, r archive.Row, q tally.Question, phase tally.Phase, entries []archive.Entry) (next core.Moment, err error) {
	end := q.End(phase)
	n, in, next := slot(r.P, end, t.now())
	if !in {
		return next, nil
	}
	id := "seen/" + r.ID + "/" + string(phase) + "/" + strconv.Itoa(n)
	if _, done, err := archive.GetSaying(ctx, t.n.DB, id+"/0"); err != nil || done {
		return next, err
	}
	seen, err := t.sightings(ctx, r, q, phase, entries)
	if err != nil {
		return next, err
	}
	told, err := t.told(ctx, r, phase, entries)
	if err != nil {
		return next, err
	}
	seen = slices.DeleteFunc(seen, func(s tally.Sighting) bool { return told[s] })
	if len(seen) == 0 {
		return next, nil
	}
	from, err := t.a.Size(ctx)
	if err != nil {
		return next, err
	}
	return next, t.n.DB.Tx(ctx, func(ctx context.Context, tx db.Querier) error {
		part := 0
		for chunk := range slices.Chunk(seen, perEntry) {
			s := archive.Saying{ID: id + "/" + strconv.Itoa(part), Proposal: r.ID, Typ: tally.TypeSeen, From: from, Until: end.Add(r.P.Grace())}
			if err := t.a.Utter(ctx, tx, s, tally.SeenBody{Proposal: r.ID, Phase: phase, Seen: chunk}); err != nil {
				return err
			}
			part++
		}
		return nil
	})
}

// told are the entries that we said we saw.
func (t turner) told(ctx context.Context, r archive.Row, phase tally.Phase, entries []archive.Entry) (map[tally.Sighting]bool, error) {
	told := map[tally.Sighting]bool{}
	take := func(body []byte) {
		if b, ok := archive.SeenBody(body); ok && b.Phase == phase {
			for _, s := range b.Seen {
				told[s] = true
			}
		}
	}
	for _, e := range entries {
		if e.Member == t.self() && e.Typ == tally.TypeSeen {
			take(e.Body)
		}
	}
	for n := range slots {
		for part := 0; ; part++ {
			s, ok, err := archive.GetSaying(ctx, t.n.DB, "seen/"+r.ID+"/"+string(phase)+"/"+strconv.Itoa(n)+"/"+strconv.Itoa(part))
			if err != nil {
				return nil, err
			}
			if !ok {
				break
			}
			take(s.Body)
		}
	}
	return told, nil
}

// sightings are the entries of others that are in time for a phase by their own word, and that
// hold.
func (t turner) sightings(ctx context.Context, r archive.Row, q tally.Question, phase tally.Phase, entries []archive.Entry) ([]tally.Sighting, error) {
	newer, err := archive.EntriesNaming(ctx, t.n.DB, tally.TypeProposal, r.ID)
	if err != nil {
		return nil, err
	}
	count := map[string]int{}
	var out []tally.Sighting
	for _, e := range slices.Backward(slices.Concat(entries, newer)) { // the last of each is what counts
		ordinal, in := r.P.Ordinal(e.Member)
		key := string(e.Member) + " " + e.Typ
		if !in || e.Member == t.self() || e.Iat < q.Opened || e.Iat > q.End(phase) || count[key] >= perMember || !belongs(e, q, phase) {
			continue
		}
		holds, err := t.holds(ctx, r, e)
		if err != nil {
			return nil, err
		}
		if !holds {
			continue
		}
		count[key]++
		out = append(out, tally.Sighting{Ordinal: int64(ordinal), Index: e.Index})
	}
	slices.Reverse(out)
	return out, nil
}

// belongs says whether an entry is of those that are witnessed in a phase.
func belongs(e archive.Entry, q tally.Question, phase tally.Phase) bool {
	switch e.Typ {
	case tally.TypeOpening:
		return phase == tally.PhaseReveal
	case tally.TypeBallot:
		return phase == tally.PhaseCommit
	case tally.TypeObjection, tally.TypeLifted, tally.TypeProposal:
		return phase == q.WordPhase()
	}
	return false
}

// holds says whether the text that an entry names is here, and is as it must be: of an objection,
// and of a proposal that takes the place of this one.
func (t turner) holds(ctx context.Context, r archive.Row, e archive.Entry) (bool, error) {
	switch e.Typ {
	case tally.TypeObjection:
		return t.objectionHolds(ctx, r, e)
	case tally.TypeProposal:
		return t.taken(ctx, r, e)
	}
	return true, nil
}

// taken says whether an entry puts a version that was accepted here in the place of r.
func (b *base) taken(ctx context.Context, r archive.Row, e archive.Entry) (bool, error) {
	if e.Typ != tally.TypeProposal || e.Doc != r.ID || e.Member != r.P.By {
		return false, nil
	}
	next, err := archive.Proposal(ctx, b.n.DB, e.Proposal)
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil
	}
	return next.P.Replaces == r.ID, err
}

// replacing says whether a version that was accepted here takes the place of r by the word of its
// author. Whether enough others saw it in time is known when the count is due.
func (b *base) replacing(ctx context.Context, r archive.Row) (bool, error) {
	newer, err := archive.EntriesNaming(ctx, b.n.DB, tally.TypeProposal, r.ID)
	q := r.P.Question(r.ID)
	for _, e := range newer {
		if e.Iat < q.Opened || e.Iat > q.End(q.WordPhase()) {
			continue
		}
		if yes, err := b.taken(ctx, r, e); err != nil || yes {
			return yes, err
		}
	}
	return false, err
}

func (t turner) objectionHolds(ctx context.Context, r archive.Row, e archive.Entry) (bool, error) {
	p, err := archive.GetPaper(ctx, t.n.DB, e.Doc)
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil
	}
	if err != nil || p.Kind != archive.KindObjection || p.Author != e.Member || p.Proposal != r.ID {
		return false, err
	}
	if p.Gone {
		return true, nil
	}
	o, _, err := motion.ReadObjection(p.Envelope)
	if err != nil {
		return false, nil //nolint:nilerr // it does not hold
	}
	return o.About != motion.AboutElectorate || e.Iat <= r.P.TalkUntil, nil
}

// open has our logbook say what our ballot says.
func (t turner) open(ctx context.Context, r archive.Row, entries []archive.Entry) error {
	commit, err := t.toOpen(ctx, r, entries)
	if err != nil || commit == "" || t.opened(entries, commit) {
		return err
	}
	mine, err := ballotsOf(ctx, t.n.DB, r.ID)
	if err != nil {
		return err
	}
	for _, b := range mine {
		if b.commit != commit {
			continue
		}
		opening, err := t.n.Box.Open(ballotLabel(commit), b.opening)
		if err != nil {
			return nil //nolint:nilerr // under another key: the words open it, and doctor says so
		}
		from, err := t.a.Size(ctx)
		if err != nil {
			return err
		}
		return t.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			return t.a.Utter(ctx, q, archive.Saying{ID: "open/" + commit, Proposal: r.ID, Typ: tally.TypeOpening, From: from, Until: r.P.RevealUntil},
				tally.OpeningBody{Proposal: r.ID, Opening: opening})
		})
	}
	return nil
}

// toOpen is the ballot of ours that the count takes: the last that enough others saw in time, as
// far as we heard from them; where we heard nothing, our last. Empty = none. What was replaced
// stays shut.
func (t turner) toOpen(ctx context.Context, r archive.Row, entries []archive.Entry) (commit string, err error) {
	c, err := t.a.Count(ctx, t.n.DB, r)
	if err != nil || c.T.Result == tally.Replaced {
		return "", err
	}
	// A version after it is here, and we may not have heard yet who saw it in time.
	if half := r.P.CommitUntil/2 + r.P.RevealUntil/2; t.now() < half {
		if newer, err := t.replacing(ctx, r); err != nil || newer {
			return "", err
		}
	}
	place, _ := r.P.Ordinal(t.self())
	taken := c.T.Lines[place].Index
	for _, e := range entries {
		var b archive.EntryBody
		if e.Member == t.self() && e.Typ == tally.TypeBallot && e.Iat <= r.P.CommitUntil && (taken < 0 || e.Index == taken) && archive.Peek(e.Body, &b) {
			commit = b.Commit
		}
	}
	return commit, nil
}

// opened says whether our logbook opens a ballot already.
func (t turner) opened(entries []archive.Entry, commit string) bool {
	return slices.ContainsFunc(entries, func(e archive.Entry) bool {
		var b tally.OpeningBody
		return e.Member == t.self() && e.Typ == tally.TypeOpening && archive.Peek(e.Body, &b) && tally.Commit(b.Opening) == commit
	})
}

// outcome says what we counted, once we heard everybody since it was due.
func (t turner) outcome(ctx context.Context, r archive.Row, entries []archive.Entry) (next core.Moment, err error) {
	if slices.ContainsFunc(entries, func(e archive.Entry) bool { return e.Member == t.self() && e.Typ == tally.TypeOutcome }) {
		return 0, archive.Settle(ctx, t.n.DB, r.ID, t.now())
	}
	if _, ok, err := archive.GetSaying(ctx, t.n.DB, "outcome/"+r.ID); err != nil || ok {
		return t.now().Add(time.Minute), err
	}
	due := r.P.CountedAt()
	// The heads of logbooks say whole seconds.
	const second = core.Moment(1e6)
	if begin := due - due%second + second; t.now() < begin {
		return begin, nil
	}
	if err := t.resign(ctx, r.ID); err != nil {
		return 0, err
	}
	all, err := t.heardAll(ctx, r)
	if err != nil {
		return 0, err
	}
	if !all && t.now() < due.Add(hearFor) {
		return t.now().Add(min(max(t.now().Sub(due)/4, time.Second), 10*time.Minute)), nil
	}
	c, err := t.a.Count(ctx, t.n.DB, r)
	if err != nil {
		return 0, err
	}
	if c.T.Result == tally.Replaced {
		return 0, archive.Settle(ctx, t.n.DB, r.ID, t.now())
	}
	from, err := t.a.Size(ctx)
	if err != nil {
		return 0, err
	}
	return t.now().Add(time.Minute), t.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		return t.a.Utter(ctx, q, archive.Saying{ID: "outcome/" + r.ID, Proposal: r.ID, Typ: tally.TypeOutcome, From: from, Until: t.now().Add(always)},
			tally.OutcomeBody{Proposal: r.ID, Result: c.T.Result, Tally: c.T.Hash})
	})
}

// resign signs our head anew once a count is due: the others hear then that our logbook has
// nothing else.
func (t turner) resign(ctx context.Context, id string) error {
	t.mu.Lock()
	done := t.resigned[id]
	t.mu.Unlock()
	if done {
		return nil
	}
	if err := t.n.Book.Resign(ctx); err != nil {
		if code := core.CodeOf(err); code == core.CodeUnsure || code == core.CodeConflict {
			return nil // the logbook's own jobs try again
		}
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.resigned[id] = true
	return nil
}

// heardAll says whether every member of the electorate was heard since the count was due.
func (t turner) heardAll(ctx context.Context, r archive.Row) (bool, error) {
	for _, e := range r.P.Electorate {
		if e.Member == t.self() {
			continue
		}
		m, err := t.n.Book.Member(ctx, e.Member)
		if core.CodeOf(err) == core.CodeNotFound {
			return false, nil
		}
		if err != nil || m.Heard <= r.P.CountedAt() {
			return false, err
		}
	}
	return true, nil
}
