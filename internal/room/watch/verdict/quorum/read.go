package quorum

import (
	"context"
	"slices"
	"strings"
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
	if err := e.Start(ctx); err != nil {
		return err
	}
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
	// Two logbooks may name one case: neither puts the other's out of its place.
	r.Kind, r.ID, r.Body, r.At = kindPending, c.Nonce+"/"+string(in.Log), body, e.now()
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
	i := -1
	if w != nil {
		i = slices.IndexFunc(w.events, func(old verdict.Event) bool { return old.Nonce == c.Nonce })
	}
	theirs := i >= 0 && w.events[i].Collector == c.Collector
	e.mu.Unlock()
	switch {
	case theirs:
		return true, e.named(ctx, k, c.Nonce, row{Log: r.Log, Index: r.Index, ID: hash})
	case i >= 0:
		return true, nil // under the number of another's case: that one stays what it is
	}
	ev, err := e.check(ctx, c)
	if err != nil || ev.Last > e.now().Add(newsAge) {
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
		done := wire.Decode(r.Body, &p) != nil
		if !done {
			if done, err = e.prove(ctx, p.Certificate, r, p.Entry); err != nil {
				return err
			}
		}
		if done || r.At < e.now().Add(-pendingAge) {
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
	return e.again(ctx)
}

// again reads what is stored anew.
func (e reader) again(ctx context.Context) error {
	e.reading.Lock()
	defer e.reading.Unlock()
	err := e.load(ctx)
	e.started = err == nil
	return err
}

// recalled is how far back the states of targets are held in memory.
const recalled = 400 * 24 * time.Hour

// Start reads what is stored; a later call answers at once. The running node calls it
// before anything is found or asked, a command only when it asks how targets stand.
// Codes as for db.All.
func (e *Engine) Start(ctx context.Context) error {
	e.reading.Lock()
	defer e.reading.Unlock()
	if e.started {
		return nil
	}
	if err := (reader{e}).load(ctx); err != nil {
		return err
	}
	e.started = true
	if e.CutOff() != 0 {
		e.spawn(func(ctx context.Context) { canary{e}.isolated(ctx) })
	}
	return nil
}

// load reads what is stored; e.reading is held.
func (e reader) load(ctx context.Context) error {
	now := e.now()
	kinds := []string{kindRoster, kindDuty, kindEvent, kindTold, kindGrey, kindCut}
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
	damaged := e.recall(rows, now)
	e.mu.Unlock()
	if len(damaged) > 0 {
		return e.restore(ctx, damaged)
	}
	return nil
}

// recall takes in what is stored, and answers the certificates whose rows are damaged; e.mu
// is held.
func (e reader) recall(rows map[string][]row, now core.Moment) (damaged []row) {
	e.clear()
	e.cut = cutting{}
	for _, r := range rows[kindCut] {
		e.cut.is, e.cut.since = true, min(r.At, now)
	}
	for _, r := range append(rows[kindRoster], rows[kindDuty]...) {
		e.takeSaid(r)
	}
	for _, r := range rows[kindEvent] {
		ev, ok := storedEvent(r)
		if !ok {
			damaged = append(damaged, r)
			continue
		}
		w := e.at(ev.Key)
		w.events = append(w.events, ev)
	}
	for _, w := range e.watched {
		w.order(now)
	}
	for _, r := range rows[kindTold] {
		var v verdict.Verdict
		if err := wire.Decode(r.Body, &v); err != nil || v.Owner != r.Owner || v.Target != r.ID {
			e.n.Log.Warn("what was told of a target is damaged; it is told again", "owner", r.Owner, "target", r.ID)
			continue
		}
		e.remember(v, min(r.At, now), now)
	}
	for _, r := range rows[kindGrey] {
		var g [2]core.Moment
		id, _, ok := strings.Cut(r.ID, "/")
		if err := wire.Decode(r.Body, &g); err != nil || !ok {
			e.n.Log.Warn("a time that nobody could establish is damaged, and left out", "owner", r.Owner)
			continue
		}
		k := verdict.Key{Owner: r.Owner, Target: id}
		if g[1] == 0 && e.told[k].State != verdict.Unknown {
			g[1] = now
		}
		e.addGrey(k, g[0], g[1])
	}
	return damaged
}

// storedEvent reads what a stored certificate says; false: it is damaged.
func storedEvent(r row) (ev verdict.Event, ok bool) {
	err := wire.Decode(r.Body, &ev)
	return ev, err == nil && ev.Owner == r.Owner && ev.Nonce == r.ID && ev.Last > 0 &&
		(ev.State == verdict.Up || ev.State == verdict.Partial || ev.State == verdict.Down)
}

// restore makes what certificates say anew from their votes.
func (e reader) restore(ctx context.Context, damaged []row) error {
	proofs, err := e.facts.Load(ctx, kindProof, 0)
	if err != nil {
		return err
	}
	for _, r := range damaged {
		e.n.Log.Warn("a stored verdict is damaged; it is made anew from its votes", "owner", r.Owner, "case", r.ID)
		i := slices.IndexFunc(proofs, func(p row) bool { return p.Owner == r.Owner && p.ID == r.ID })
		if i < 0 {
			continue // our own word, without votes
		}
		c, err := verdict.ParseCertificate(proofs[i].Body)
		if err != nil {
			continue
		}
		ev, err := e.check(ctx, c)
		if err != nil {
			continue
		}
		if r.Log != "" {
			ev.Place = r.Index + 1
		}
		e.mu.Lock()
		e.believe(ev)
		e.mu.Unlock()
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
	case v.State == verdict.Unknown && v.Since == e.cut.since && v.Since != 0 && known != 0:
		w.good = v.Since // until the cut it was up; one good look after it is enough
	case v.State == verdict.Unknown:
		w.greyed = min(v.Since, now)
	case v.Since > now.Add(newsAge): // said with a clock that was wrong
	case len(w.spans) == 0:
		// It has been down for longer than we read back.
		w.events = []verdict.Event{{Key: k, Nonce: v.Case, Since: v.Since, Last: v.Since, Hash: v.Certificate, Outcome: verdict.Outcome{
			State: v.State, Decided: true, Weak: v.Weak, Failing: v.Failing, Voters: v.Voters, Class: v.Class, Family: v.Family,
		}}}
		w.spans = verdict.Spans(w.events)
	}
}
