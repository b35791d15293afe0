package archive

import (
	"context"
	"errors"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/assembly/elector"
	"entrechat/internal/room/assembly/tally"
)

// Counted is a count as it is kept in memory.
type Counted struct {
	stamp string
	Q     tally.Question
	T     tally.Tally
}

// maxCounts is how many are kept.
const maxCounts = 300

// Question is what is counted of one version; chain are all of them, the oldest first.
func Question(chain []Row, id string) (q tally.Question) {
	var earlier []tally.Question
	for _, r := range chain {
		q = r.P.Question(r.ID, slices.Clone(earlier)...)
		if r.ID == id {
			return q
		}
		earlier = append(earlier, r.P.Question(r.ID))
	}
	return q
}

// Count counts one version from what logbooks say until now.
func (a *Archive) Count(ctx context.Context, q db.Querier, r Row) (Counted, error) {
	now, err := stamp(ctx, q, r.Chain)
	if err != nil {
		return Counted{}, err
	}
	a.mu.Lock()
	c, ok := a.counts[r.ID]
	a.mu.Unlock()
	if ok && c.stamp == now {
		return c, nil
	}
	chain, err := Lineage(ctx, q, r)
	if err != nil {
		return Counted{}, err
	}
	entries, err := gather(ctx, q, chain, r.ID)
	if err != nil {
		return Counted{}, err
	}
	c = Counted{stamp: now, Q: Question(chain, r.ID)}
	c.T = tally.Count(c.Q, entries)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.counts) >= maxCounts {
		clear(a.counts)
	}
	a.counts[r.ID] = c
	return c, nil
}

// gather are the entries that a count of one version reads.
func gather(ctx context.Context, q db.Querier, chain []Row, id string) (out []tally.Entry, err error) {
	take := func(list []Entry, err error) error {
		for _, e := range list {
			out = append(out, e.Entry)
		}
		return err
	}
	for _, r := range chain {
		if err := take(EntriesOf(ctx, q, r.ID)); err != nil {
			return nil, err
		}
		if r.ID == id {
			break
		}
	}
	// The version after may not be here yet; its entry is enough.
	if err := take(EntriesNaming(ctx, q, tally.TypeProposal, id)); err != nil {
		return nil, err
	}
	return out, take(Forks(ctx, q))
}

// Rival is another proposal of the same author that was open before: then one does not count.
// Empty = it counts.
// spec: docs/spec/decision.md#proposal
func Rival(ctx context.Context, q db.Querier, r Row) (string, error) {
	rival, err := older(ctx, q, r)
	if err != nil || rival == "" {
		return "", err
	}
	entries, err := EntriesOf(ctx, q, r.ID)
	if err != nil || witnessed(r, entries) {
		return "", err
	}
	return rival, nil
}

// older finds what the author had open when r opened, or what it put first in the same place of the
// chain.
func older(ctx context.Context, q db.Querier, r Row) (string, error) {
	before := func(o Row) bool { return o.P.Opened < r.P.Opened || o.P.Opened == r.P.Opened && o.ID < r.ID }
	open, err := OpenAt(ctx, q, r.P.Charter, r.P.Opened)
	if err != nil {
		return "", err
	}
	for _, o := range open {
		if o.P.By == r.P.By && o.Chain != r.Chain && before(o) {
			return o.ID, nil
		}
	}
	if r.P.Replaces == "" {
		return "", nil
	}
	all, err := Chain(ctx, q, r.Chain)
	if err != nil {
		return "", err
	}
	for _, o := range all {
		if o.P.Replaces == r.P.Replaces && before(o) {
			return o.ID, nil
		}
	}
	up, err := Proposal(ctx, q, r.P.Replaces)
	if err != nil {
		return "", err
	}
	return Rival(ctx, q, up)
}

// witnessed says whether enough others took a proposal for one that counts, before its ballots
// were opened. Whoever sees these takes it back no more by an older proposal that it shows now.
func witnessed(r Row, entries []Entry) bool {
	q := r.P.Question(r.ID)
	by := map[core.MemberID]bool{}
	for _, e := range entries {
		if e.Typ == tally.TypeSeen && e.Member != r.P.By && r.P.Has(e.Member) && e.Iat >= r.P.Opened && e.Iat <= q.End(q.WordPhase()).Add(r.P.Grace()) {
			by[e.Member] = true
		}
	}
	return len(by) >= max(1, q.Need())
}

// Lineage is a version and those that it took the place of, the oldest first.
func Lineage(ctx context.Context, q db.Querier, r Row) ([]Row, error) {
	out := []Row{r}
	for r.P.Replaces != "" {
		var err error
		if r, err = Proposal(ctx, q, r.P.Replaces); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	slices.Reverse(out)
	return out, nil
}

// Newest is the last version of a chain. Of two in one place the one that opened first stands.
func Newest(ctx context.Context, q db.Querier, chain string) (Row, error) {
	all, err := Chain(ctx, q, chain)
	if err != nil {
		return Row{}, err
	}
	var last Row
	for _, r := range all { // by version, those of one version as they opened
		if r.P.Replaces == last.ID {
			last = r
		}
	}
	if last.ID == "" {
		return Row{}, core.NotFound("assembly.decision.unknown", errors.New("no first version"))
	}
	return last, nil
}

// Parts are how members took part in the counted proposals of a collective, the oldest first.
func (a *Archive) Parts(ctx context.Context, charter string, at core.Moment) ([]elector.Part, error) {
	before, err := CountedBefore(ctx, a.DB, charter, at)
	if err != nil {
		return nil, err
	}
	var out []elector.Part
	for _, r := range before {
		other, err := Rival(ctx, a.DB, r)
		if err != nil {
			return nil, err
		}
		if r.P.Kind == tally.KindLazy || other != "" {
			continue
		}
		c, err := a.Count(ctx, a.DB, r)
		if err != nil {
			return nil, err
		}
		if c.T.Result != tally.Replaced {
			out = append(out, partOf(c.T))
		}
	}
	slices.Reverse(out)
	return out, nil
}

func partOf(t tally.Tally) elector.Part {
	part := elector.Part{}
	for _, l := range t.Lines {
		switch l.Status {
		case tally.Open, tally.Bad:
			part[l.Member] = elector.Opened
		case tally.Unopened:
			part[l.Member] = elector.Unopened
		case tally.None, tally.Void:
			part[l.Member] = elector.Nothing
		}
	}
	return part
}
