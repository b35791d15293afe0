package quorum

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/verdict"
)

// News is a certificate as its collector shows it.
type News struct {
	// Entry is the leaf hash of its entry in the collector's logbook, hex; empty = it is not
	// there yet, or changes nothing that others must know for ever.
	Entry       string              `json:"entry,omitempty"`
	Certificate verdict.Certificate `json:"certificate"`
}

// barring is who has no vote on one owner's targets, as it was computed last.
type barring struct {
	at     core.Moment
	events int
	who    map[core.MemberID]bool
}

// dissentStep is how often dissent is counted: everybody counts at the same moments.
const dissentStep = core.Moment(10 * time.Minute / time.Microsecond)

// ofOwner are all events of an owner's targets; e.mu is held.
func (e *memory) ofOwner(owner core.MemberID) (all []verdict.Event) {
	for _, k := range e.owned[owner] {
		all = append(all, e.watched[k].events...)
	}
	return all
}

// barredOf is who has no vote on an owner's targets at a moment; e.mu is held.
func (e *memory) barredOf(owner core.MemberID, at core.Moment) map[core.MemberID]bool {
	at -= at % dissentStep
	events := 0
	for _, k := range e.owned[owner] {
		events += len(e.watched[k].events)
	}
	b, ok := e.barred[owner]
	if !ok || b.at != at || b.events != events {
		b = barring{at: at, events: events, who: verdict.BarredOf(verdict.Dissents(owner, e.ofOwner(owner), at))}
		e.barred[owner] = b
	}
	return b.who
}

func (e *memory) barredAt(owner core.MemberID, at core.Moment) map[core.MemberID]bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.barredOf(owner, at)
}

// Dissents are how often each voter was against the outcome, and who lost its vote by it.
func (e *Engine) Dissents(context.Context) []verdict.Dissent {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]verdict.Dissent, 0, len(e.owned))
	for owner := range e.owned {
		all = append(all, verdict.Dissents(owner, e.ofOwner(owner), e.now())...)
	}
	slices.SortFunc(all, func(a, b verdict.Dissent) int {
		return slices.Compare([]string{string(a.Owner), string(a.Voter)}, []string{string(b.Owner), string(b.Voter)})
	})
	return all
}

// check checks a certificate against what we know. Returns CodeUnsure (no_roster) for
// facts that have not come yet, CodeInvalid.
func (e *Engine) check(ctx context.Context, c verdict.Certificate) (verdict.Event, error) {
	first := verdict.Median(c.Rounds()[0], nil)
	e.mu.Lock()
	a, ok := e.draw(verdict.Key{Owner: c.Owner, Target: c.Target}, c.Roster, first)
	f := verdict.Facts{Assignment: a, Barred: e.barredOf(c.Owner, first), Keys: map[core.MemberID][]ed25519.PublicKey{}, Holds: e.proves}
	e.mu.Unlock()
	if !ok {
		return verdict.Event{}, core.Unsure("watch.verdict.no_roster", fmt.Errorf("no roster %.8s of %s", c.Roster, c.Owner)).With("Member", c.Owner)
	}
	for _, v := range c.Votes {
		if _, have := f.Keys[v.Voter]; have {
			continue
		}
		keys, err := e.n.Members.Keys(ctx, v.Voter)
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			return verdict.Event{}, err
		}
		f.Keys[v.Voter] = keys
	}
	return verdict.Check(c, f)
}

// apply stores what was proved, then believes it, then tells it.
func (e *Engine) apply(ctx context.Context, ev verdict.Event, more ...row) error {
	body, err := wire.Encode(ev)
	if err != nil {
		return err
	}
	r := row{Kind: kindEvent, Owner: ev.Owner, ID: ev.Nonce, At: ev.Last, Body: body}
	if len(more) > 0 {
		r.Log, r.Index = more[0].Log, more[0].Index
	}
	if err := e.facts.Put(ctx, append([]row{r}, more...)...); err != nil {
		return err
	}
	e.mu.Lock()
	e.believe(ev)
	e.mu.Unlock()
	e.close(ev)
	return teller{e}.settle(ctx, ev.Key)
}

// believe takes an event in; e.mu is held.
func (e *memory) believe(ev verdict.Event) {
	w := e.at(ev.Key)
	before := verdict.Up
	if n := len(w.spans); n > 0 {
		before = w.spans[n-1].State
	}
	i := slices.IndexFunc(w.events, func(have verdict.Event) bool { return have.Nonce == ev.Nonce })
	if i >= 0 {
		w.events[i] = ev
	} else {
		w.events = append(w.events, ev)
	}
	w.order(e.now())
	if ev.State == verdict.Up {
		w.good = max(w.good, ev.Last)
	}
	if w.known == 0 {
		w.known = ev.Since
	}
	w.greyed = 0
	if n := len(w.spans); n > 0 && w.spans[n-1].State != before {
		w.refuted, w.wait = 0, 0
	}
}

// order makes the history of a target from what was proved. What a clock that was wrong dated
// ahead of now does not count: it would hide all that is proved until then.
func (w *watched) order(now core.Moment) {
	w.spans = verdict.Spans(slices.DeleteFunc(slices.Clone(w.events), func(ev verdict.Event) bool { return ev.Last > now.Add(newsAge) }))
}

// named gives a stored certificate the place of its entry.
func (e *Engine) named(ctx context.Context, k verdict.Key, nonce string, place row) error {
	e.mu.Lock()
	w := e.at(k)
	i := slices.IndexFunc(w.events, func(have verdict.Event) bool { return have.Nonce == nonce })
	// Of two entries that say the same the first counts.
	if i < 0 || w.events[i].Place != 0 && w.events[i].Place <= place.Index+1 {
		e.mu.Unlock()
		return nil
	}
	ev := w.events[i]
	ev.Hash, ev.Place = place.ID, place.Index+1
	e.mu.Unlock()
	return e.apply(ctx, ev, row{Kind: kindEvent + "-log", Owner: k.Owner, ID: nonce, Log: place.Log, Index: place.Index, gone: true})
}

// close ends what we know of another's case: its collector told what it came to.
func (e *Engine) close(ev verdict.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.at(ev.Key)
	if w.open != nil && w.open.nonce == ev.Nonce {
		w.open = nil
	}
	delete(w.unclosed, ev.Collector)
	if w.cases[ev.Collector] == ev.Nonce {
		delete(w.cases, ev.Collector)
	}
	if ev.State == verdict.Up {
		w.good, w.greyed = max(w.good, ev.Last), 0
	}
}

// newsAge is how old a certificate may be that somebody shows us; older ones come by the
// logbook.
const newsAge = 10 * time.Minute

// Hear takes a certificate that its collector shows us. Returns CodeInvalid, CodeDenied
// for one that another collected, CodeUnsure while we lack what it is checked against.
// spec: docs/spec/watch.md#certificates
func (e *Engine) Hear(ctx context.Context, from core.MemberID, n News) error {
	c := n.Certificate
	if c.Collector != from || n.Entry != "" && !verdict.HashForm.MatchString(n.Entry) {
		return core.Denied("watch.verdict.not_yours", fmt.Errorf("%s shows what %s collected", from, c.Collector)).With("Member", from)
	}
	ev, err := e.check(ctx, c)
	if err != nil {
		return err
	}
	if d := e.now().Sub(ev.Last).Abs(); d > newsAge {
		return verdict.Bad("its votes are %s old", d)
	}
	ev.Hash = n.Entry
	e.mu.Lock()
	w := e.at(ev.Key)
	state := verdict.Up
	if len(w.spans) > 0 {
		state = w.spans[len(w.spans)-1].State
	}
	have := slices.ContainsFunc(w.events, func(old verdict.Event) bool { return old.Nonce == ev.Nonce })
	if !have && ev.State != state { // it was worth our looks
		delete(e.charged, charge{from, ev.Key})
	}
	e.mu.Unlock()
	if have || ev.Hash == "" && ev.State == state {
		e.close(ev)
		return nil
	}
	body, err := wire.Encode(c)
	if err != nil {
		return err
	}
	return e.apply(ctx, ev, row{Kind: kindProof, Owner: c.Owner, ID: c.Nonce, At: ev.Last, Body: body})
}
