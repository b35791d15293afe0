package quorum

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/verdict"
)

// stale is how long our last good look says that a target is up: three of them may fail to
// come.
func (w *watched) stale() time.Duration { return 3*w.every + time.Minute }

// verdict is what stands of a target now; e.mu is held.
func (e *memory) verdict(w *watched, now core.Moment) verdict.Verdict {
	v := verdict.Verdict{Owner: w.Owner, Target: w.Target, State: verdict.Up, Since: w.known, Unstable: verdict.Flapping(w.spans, now)}
	a, _ := e.draw(w.Key, "", now)
	v.Voters, v.Weak = len(a.Seats), a.Weak || len(a.Seats) < verdict.MinFit
	if t, ok := e.targets[w.Key]; ok && e.alone(t, now) {
		v.Voters, v.Weak = 0, t.Kind.Called()
	}
	if n := len(w.spans); n > 0 {
		s := w.spans[n-1]
		v.State, v.Since, v.Case, v.Certificate = s.State, s.From, s.Nonce, s.Hash
		if s.State != verdict.Up {
			v.Failing, v.Voters, v.Networks, v.Class, v.Family, v.Weak = s.Failing, s.Voters, s.Networks, s.Class, s.Family, s.Weak
		}
	}
	if v.State != verdict.Up {
		return v
	}
	grey := w.greyed
	if isolated := e.cut.since; isolated != 0 && w.Owner != e.self && (grey == 0 || isolated < grey) {
		grey = isolated
	}
	unseen := w.good == 0 // nobody told us of a good look, ever: a good state would be invented
	if !unseen && grey == 0 && w.good.Add(w.stale()) < now {
		grey = max(w.good, v.Since)
	}
	if unseen || grey != 0 {
		v.State, v.Since, v.Case, v.Certificate = verdict.Unknown, grey, "", ""
	}
	return v
}

// State is what stands of a target now, once Start has read. A target of which nothing is known is Unknown.
func (e *Engine) State(owner core.MemberID, id string) verdict.Verdict {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.watched[verdict.Key{Owner: owner, Target: id}]
	if w == nil {
		w = &watched{Key: verdict.Key{Owner: owner, Target: id}}
	}
	return e.verdict(w, e.now())
}

// same says whether there is nothing new to tell.
func same(a, b verdict.Verdict) bool {
	return a.State == b.State && a.Weak == b.Weak && a.Since == b.Since && a.Case == b.Case && a.Certificate == b.Certificate &&
		a.Unstable == b.Unstable && a.Family == b.Family
}

// settle tells what changed of a target since it was told last, and notes that it was.
func (e teller) settle(ctx context.Context, k verdict.Key) error {
	e.telling.Lock()
	defer e.telling.Unlock()
	e.mu.Lock()
	w := e.watched[k]
	if w == nil {
		e.mu.Unlock()
		return nil
	}
	before, had := e.told[k]
	after := e.verdict(w, e.now())
	e.mu.Unlock()
	if !had {
		before = verdict.Verdict{Owner: k.Owner, Target: k.Target}
	}
	if same(before, after) {
		return nil
	}
	if err := e.noteGrey(ctx, before, after); err != nil {
		return err
	}
	if err := e.n.Changed(ctx, before, after); err != nil {
		return err
	}
	body, err := wire.Encode(after)
	if err != nil {
		return err
	}
	if err := e.facts.Put(ctx, row{Kind: kindTold, Owner: k.Owner, ID: k.Target, At: w.knownOr(after.Since), Body: body}); err != nil {
		return err
	}
	e.mu.Lock()
	e.told[k] = after
	e.mu.Unlock()
	return nil
}

func (w *watched) knownOr(at core.Moment) core.Moment {
	if w.known != 0 {
		return w.known
	}
	return at
}

// noteGrey writes down a time that nobody could establish, when it begins and when it ends.
func (e teller) noteGrey(ctx context.Context, before, after verdict.Verdict) error {
	k := verdict.Key{Owner: after.Owner, Target: after.Target}
	put := func(from, to core.Moment) error {
		body, err := wire.Encode([2]core.Moment{from, to})
		if err != nil {
			return err
		}
		if err := e.facts.Put(ctx, row{Kind: kindGrey, Owner: k.Owner, ID: k.Target + "/" + from.Time().Format(time.RFC3339Nano), At: from, Body: body}); err != nil {
			return err
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.addGrey(k, from, to)
		return nil
	}
	if before.State == verdict.Unknown && before.Since != 0 && (after.State != verdict.Unknown || after.Since != before.Since) {
		if err := put(before.Since, e.now()); err != nil {
			return err
		}
	}
	if after.State == verdict.Unknown && after.Since != 0 {
		return put(after.Since, 0)
	}
	return nil
}

// addGrey takes a time in; to is 0 while it lasts; e.mu is held.
func (e *memory) addGrey(k verdict.Key, from, to core.Moment) {
	if i := slices.IndexFunc(e.grey[k], func(g [2]core.Moment) bool { return g[0] == from }); i >= 0 {
		e.grey[k][i][1] = to
		return
	}
	e.grey[k] = append(e.grey[k], [2]core.Moment{from, to})
}

// reassure looks after targets that we ourselves have not seen well for a while, though
// nobody proved them down: while enough of their voters answer, they would have. It asks
// each voter whether it is there, no more.
func (e teller) reassure(ctx context.Context) {
	e.mu.Lock()
	stale, voters := e.fading(e.now())
	e.mu.Unlock()
	there := e.there(ctx, voters)
	now := e.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	for w, a := range stale {
		others, answer := 0, 0
		for _, s := range a.Seats {
			if s.Member == e.self {
				continue
			}
			others++
			if there[s.Member] {
				answer++
			}
		}
		if others > 0 && answer >= min(verdict.MinFit, others) && w.greyed == 0 {
			w.good = max(w.good, now)
		}
	}
}

// fading are the targets whose last good look is half as old as it may be, with all their
// voters but ourselves.
func (e *memory) fading(now core.Moment) (stale map[*watched]verdict.Assignment, voters []core.MemberID) {
	stale = map[*watched]verdict.Assignment{}
	for k, w := range e.watched {
		a, ok := e.draw(k, "", now)
		_, rank := a.Seat(e.self)
		if !ok || w.greyed != 0 || w.good == 0 || w.good.Add(w.stale()/2) > now || rank < 0 && k.Owner != e.self {
			continue
		}
		stale[w] = a
		for _, s := range a.Seats {
			if s.Member != e.self && !slices.Contains(voters, s.Member) {
				voters = append(voters, s.Member)
			}
		}
	}
	return stale, voters
}

// there asks members whether they answer at all.
func (e *Engine) there(ctx context.Context, all []core.MemberID) map[core.MemberID]bool {
	ctx, cancel := context.WithTimeout(ctx, cutCall)
	defer cancel()
	var mu sync.Mutex
	var wait sync.WaitGroup
	there := map[core.MemberID]bool{}
	for _, m := range all {
		wait.Go(func() {
			if e.n.Calls.Alive(ctx, m) == nil {
				mu.Lock()
				defer mu.Unlock()
				there[m] = true
			}
		})
	}
	wait.Wait()
	return there
}

// settleAll tells whatever changed, be it only by time passing.
func (e teller) settleAll(ctx context.Context) error {
	now := e.now()
	e.mu.Lock()
	var due []verdict.Key
	for k, w := range e.watched {
		if before, had := e.told[k]; !same(before, e.verdict(w, now)) || !had {
			due = append(due, k)
		}
	}
	e.mu.Unlock()
	errs := make([]error, 0, len(due))
	for _, k := range due {
		errs = append(errs, e.settle(ctx, k)) // one that cannot be told keeps no other back
	}
	return errors.Join(errs...)
}

// Intervals are the states of a target from one moment to another, without gaps. Unknown
// is what nobody established; where this node was off, it knows what logbooks say.
func (e *Engine) Intervals(ctx context.Context, owner core.MemberID, id string, from, to core.Moment) ([]verdict.Interval, error) {
	if err := e.Start(ctx); err != nil {
		return nil, err
	}
	now := e.now()
	to = min(to, now)
	e.mu.Lock()
	defer e.mu.Unlock()
	k := verdict.Key{Owner: owner, Target: id}
	w := e.watched[k]
	if w == nil {
		return verdict.Intervals(nil, to, from, to, nil), nil
	}
	grey := slices.Clone(e.grey[k])
	for i := range grey {
		if grey[i][1] == 0 {
			grey[i][1] = now
		}
	}
	return verdict.Intervals(w.spans, w.knownOr(to), from, to, verdict.MergeGrey(grey)), nil
}
