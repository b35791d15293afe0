package quorum

import (
	"context"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/verdict"
)

// Bounds of certificates that cannot be checked yet.
const (
	mostPending = 50 // of one logbook
	pendingAge  = 48 * time.Hour
)

// Readers hear rosters, duties and certificates from all logbooks.
func (e *Engine) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name: "watch-verdict", Types: []string{verdict.TypeRoster, verdict.TypeDuty, verdict.TypeVerdict},
		Read: reader{e}.read, Truncated: reader{e}.truncated,
	}}
}

// Entries are the kinds of entries written here, with the words key of each.
func Entries() map[string]string {
	return map[string]string{
		verdict.TypeRoster: "watch.verdict.entry_roster", verdict.TypeDuty: "watch.verdict.entry_duty", verdict.TypeVerdict: "watch.verdict.entry_verdict",
	}
}

// read takes one entry in. What makes no sense is passed over: it must not stop the rest
// of that logbook.
func (e reader) read(ctx context.Context, in logbook.Entry) error {
	r := row{Owner: in.Log, ID: verdict.HexHash(in.Hash), At: in.Iat, Log: in.Log, Index: in.Index, Body: in.Body}
	switch in.Typ {
	case verdict.TypeRoster:
		r.Kind = kindRoster
		if _, err := verdict.ParseRoster(in.Body); err != nil {
			return nil //nolint:nilerr // a stranger's mistake
		}
	case verdict.TypeDuty:
		r.Kind = kindDuty
		if _, err := verdict.ParseDuty(in.Body); err != nil {
			return nil //nolint:nilerr // as above
		}
	default:
		return e.readVerdict(ctx, in)
	}
	if err := e.facts.Put(ctx, r); err != nil {
		return err
	}
	e.mu.Lock()
	e.takeSaid(r)
	e.mu.Unlock()
	if r.Kind == kindRoster {
		return e.tryPending(ctx, in.Log)
	}
	return nil
}

// takeSaid believes a stored roster or duty; e.mu is held.
func (e *memory) takeSaid(r row) {
	if r.Kind == kindDuty {
		if d, err := verdict.ParseDuty(r.Body); err == nil && r.Index >= e.duties[r.Owner].idx {
			e.duties[r.Owner] = saidDuty{d, r.Index}
		}
		return
	}
	said := e.rosters[r.Owner]
	parsed, err := verdict.ParseRoster(r.Body)
	if err != nil || slices.ContainsFunc(said, func(have saidRoster) bool { return have.hash == r.ID }) {
		return
	}
	said = append(said, saidRoster{Roster: parsed, hash: r.ID, at: r.At, idx: r.Index})
	slices.SortFunc(said, func(a, b saidRoster) int { return int(a.idx - b.idx) })
	e.rosters[r.Owner] = said
	for k, w := range e.watched {
		if t, ok := e.targets[k]; ok && k.Owner == r.Owner {
			w.every = e.everyOf(t)
		}
	}
}

func (e reader) readVerdict(ctx context.Context, in logbook.Entry) error {
	c, err := verdict.ParseCertificate(in.Body)
	if err != nil || c.Collector != in.Log {
		return nil //nolint:nilerr // a stranger's mistake, or another's certificate
	}
	r := row{Owner: c.Owner, ID: c.Nonce, At: in.Iat, Log: in.Log, Index: in.Index, Body: in.Body}
	done, err := e.prove(ctx, c, r, verdict.HexHash(in.Hash))
	if done || err != nil {
		return err
	}
	// Its roster, or a key, may come later by another logbook.
	waiting, err := e.facts.Load(ctx, kindPending, 0)
	if err != nil {
		return err
	}
	n := 0
	for _, p := range waiting {
		if p.Log == in.Log {
			n++
		}
	}
	if n >= mostPending || in.Iat < e.now().Add(-pendingAge) {
		return nil
	}
	body, err := wire.Encode(pending{verdict.HexHash(in.Hash), c})
	if err != nil {
		return err
	}
	r.Kind, r.Body, r.At = kindPending, body, e.now()
	return e.facts.Put(ctx, r)
}

// pending is a certificate that waits.
type pending struct {
	Entry       string              `json:"entry"`
	Certificate verdict.Certificate `json:"certificate"`
}

// prove checks a certificate from a logbook and takes it in; false: it does not hold, as
// far as we know now.
func (e reader) prove(ctx context.Context, c verdict.Certificate, r row, hash string) (bool, error) {
	k := verdict.Key{Owner: c.Owner, Target: c.Target}
	e.mu.Lock()
	w := e.watched[k] // what a stranger names is not remembered before it is proved
	have := w != nil && slices.ContainsFunc(w.events, func(old verdict.Event) bool { return old.Nonce == c.Nonce })
	e.mu.Unlock()
	if have {
		return true, e.named(ctx, k, c.Nonce, row{Log: r.Log, Index: r.Index, ID: hash})
	}
	ev, err := e.check(ctx, c)
	if err != nil {
		return false, nil //nolint:nilerr // it waits, or is dropped
	}
	ev.Hash, ev.Place = hash, r.Index+1
	body, err := wire.Encode(c)
	if err != nil {
		return false, err
	}
	return true, e.apply(ctx, ev, row{Kind: kindProof, Owner: c.Owner, ID: c.Nonce, At: ev.Last, Log: r.Log, Index: r.Index, Body: body})
}

// tryPending checks again what waits for facts; owner may be empty = of all.
func (e reader) tryPending(ctx context.Context, owner core.MemberID) error {
	waiting, err := e.facts.Load(ctx, kindPending, 0)
	if err != nil {
		return err
	}
	for _, r := range waiting {
		var p pending
		if owner != "" && r.Owner != owner {
			continue
		}
		done := wire.Decode(r.Body, &p) != nil || r.At < e.now().Add(-pendingAge)
		if !done {
			if done, err = e.prove(ctx, p.Certificate, r, p.Entry); err != nil {
				return err
			}
		}
		if done {
			if err := e.facts.Put(ctx, row{Kind: kindPending, Owner: r.Owner, ID: r.ID, gone: true}); err != nil {
				return err
			}
		}
	}
	return nil
}

// truncated drops what a member said from a place on, and reads the rest anew.
func (e reader) truncated(ctx context.Context, log core.MemberID, index int64) error {
	if err := e.facts.Forget(ctx, row{Log: log, Index: index}); err != nil {
		return err
	}
	return e.Start(ctx)
}

// recalled is how far back the states of targets are held in memory.
const recalled = 400 * 24 * time.Hour

// Start reads what is stored. Call it before Run, and before anything is found.
func (e *Engine) Start(ctx context.Context) error {
	now := e.now()
	kinds := []string{kindRoster, kindDuty, kindEvent, kindTold, kindGrey}
	rows := map[string][]row{}
	for _, kind := range kinds {
		since := core.Moment(0)
		if kind == kindEvent || kind == kindGrey {
			since = now.Add(-recalled)
		}
		all, err := e.facts.Load(ctx, kind, since)
		if err != nil {
			return err
		}
		rows[kind] = all
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clear()
	for _, r := range append(rows[kindRoster], rows[kindDuty]...) {
		e.takeSaid(r)
	}
	for _, r := range rows[kindEvent] {
		var ev verdict.Event
		if err := wire.Decode(r.Body, &ev); err != nil {
			return err
		}
		w := e.at(ev.Key)
		w.events = append(w.events, ev)
	}
	for _, w := range e.watched {
		w.spans = verdict.Spans(w.events)
	}
	for _, r := range rows[kindTold] {
		var v verdict.Verdict
		if err := wire.Decode(r.Body, &v); err != nil {
			return err
		}
		e.remember(v, r.At, now)
	}
	for _, r := range rows[kindGrey] {
		var g [2]core.Moment
		if err := wire.Decode(r.Body, &g); err != nil {
			return err
		}
		k := verdict.Key{Owner: r.Owner, Target: r.ID[:len("0123456789abcdef")]}
		if g[1] == 0 && e.told[k].State != verdict.Unknown {
			g[1] = now
		}
		e.addGrey(k, g[0], g[1])
	}
	return nil
}

// remember is how a target stood when we stopped; e.mu is held.
func (e *memory) remember(v verdict.Verdict, known, now core.Moment) {
	k := verdict.Key{Owner: v.Owner, Target: v.Target}
	w := e.at(k)
	w.known = known
	e.told[k] = v
	switch {
	case v.State == verdict.Up:
		if known != 0 {
			w.good = now // until we have looked again
		}
	case v.State == verdict.Unknown:
		w.greyed = v.Since
	case len(w.spans) == 0:
		// It has been down for longer than we read back.
		w.events = []verdict.Event{{Key: k, Nonce: v.Case, Since: v.Since, Last: v.Since, Hash: v.Certificate, Outcome: verdict.Outcome{
			State: v.State, Decided: true, Weak: v.Weak, Failing: v.Failing, Voters: v.Voters, Class: v.Class, Family: v.Family,
		}}}
		w.spans = verdict.Spans(w.events)
	}
}
