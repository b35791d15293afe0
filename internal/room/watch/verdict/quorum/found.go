package quorum

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// Waits of an accuser whose suspicion did not come true.
const (
	firstWait = time.Minute
	laterWait = 10 * time.Minute
	// forgiven is when it may begin anew.
	forgiven = time.Hour
)

// Waits until a voter takes a case over whose collector fell silent.
const (
	takeover     = 20 * time.Second
	takeoverRank = 5 * time.Second
)

// suspicion is why a case begins.
type suspicion struct {
	target target.Target
	at     core.Moment
	class  look.Class
}

// Found is told each routine look of ours. It does not wait: what follows runs by itself.
func (e *Engine) Found(_ context.Context, t target.Target, r look.Result) {
	if t.Kind == target.ICMP || r.Class == look.Unfit {
		return
	}
	now := e.now()
	e.mu.Lock()
	k := verdict.Key{Owner: t.Owner, Target: t.ID}
	w := e.at(k)
	w.looked, w.failed = r.At, r.Class.Failure()
	fresh := false
	if !w.failed {
		w.good = max(w.good, r.At)
		fresh = w.known == 0 || e.told[k].State == verdict.Unknown && w.greyed == 0
		if w.known == 0 {
			w.known = r.At
		}
	}
	if _, ok := e.targets[k]; !ok {
		e.targets[k] = t
	}
	begin := e.begins(w, t, r, now)
	w.busy = w.busy || begin != nil
	e.mu.Unlock()
	if fresh {
		e.spawn(func(ctx context.Context) { teller{e}.tellSoon(ctx, k) })
	}
	if begin != nil && !e.spawn(begin) {
		e.idle(k)
	}
}

// tellSoon is settle for who cannot do anything about an error: a job tells it again.
func (e teller) tellSoon(ctx context.Context, k verdict.Key) {
	if err := e.settle(ctx, k); err != nil && ctx.Err() == nil {
		e.n.Log.Info("a verdict could not be told yet", "error", err)
	}
}

func (e *memory) idle(k verdict.Key) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.at(k).busy = false
}

// begins decides whether a look begins a case, and which; e.mu is held.
func (e *Engine) begins(w *watched, t target.Target, r look.Result, now core.Moment) func(context.Context) {
	state := verdict.Up
	if n := len(w.spans); n > 0 {
		state = w.spans[n-1].State
	}
	failing := r.Class.Failure()
	split := !failing && r.Half != look.Fine
	if w.busy || state == verdict.Up && !failing && !split && w.greyed == 0 || state == verdict.Down && failing {
		return nil
	}
	s := suspicion{target: t, at: r.At, class: r.Class}
	a, _ := e.draw(w.Key, "", now)
	if t.Owner == e.self {
		alone := e.alone(t, now)
		switch {
		case (state == verdict.Down) == failing:
			return nil
		case alone, state == verdict.Down && w.spans[len(w.spans)-1].Voters == 0:
			return func(ctx context.Context) { collector{e}.lone(ctx, s, failing) }
		case failing && state == verdict.Up && now >= w.wait:
			w.wait = now.Add(firstWait)
			return func(ctx context.Context) { collector{e}.deserted(ctx, s, a) }
		}
		return nil
	}
	if _, rank := a.Seat(e.self); rank < 0 || now < w.wait || w.openAt(now, rankOf(a, e.self)) || e.barredOf(t.Owner, now)[e.self] {
		return nil
	}
	return func(ctx context.Context) { collector{e}.collect(ctx, s) }
}

func rankOf(a verdict.Assignment, m core.MemberID) int {
	_, rank := a.Seat(m)
	return rank
}

// takes is when we take a case over from a collector that fell silent.
func takes(last core.Moment, rank int) core.Moment {
	return last.Add(takeover + time.Duration(max(rank, 0))*takeoverRank)
}

// openAt says whether another's case is under way that we need not repeat. Who left one
// open within the last hour keeps nobody waiting.
func (w *watched) openAt(now core.Moment, rank int) bool {
	return w.open != nil && now < takes(w.open.last, rank) && w.unclosed[w.open.collector] <= now.Add(-time.Hour)
}

// refute makes an accuser wait whose case changed nothing; e.mu is held.
func (w *watched) refute(now core.Moment) {
	if now > w.wait.Add(forgiven) {
		w.refuted = 0
	}
	w.refuted++
	w.wait = now.Add(firstWait)
	if w.refuted > 1 {
		w.wait = now.Add(laterWait)
	}
}

// Looks of a hoster alone: so many in a row fail, so far apart, before it is down.
const (
	loneLooks = 3
	lonePause = 9 * time.Second
)

// deserted is lone for an owner whose voters are all gone, or do not look because nothing
// proves that the target is ours; while one of them answers, and looks, it is theirs to say.
func (e collector) deserted(ctx context.Context, s suspicion, a verdict.Assignment) {
	all := make([]core.MemberID, 0, len(a.Seats))
	for _, seat := range a.Seats {
		all = append(all, seat.Member)
	}
	unseen := e.n.Unproved != nil && e.n.Unproved(ctx, s.target)
	if !unseen && len(e.there(ctx, all)) > 0 || canary(e).isolated(ctx) {
		e.idle(verdict.Key{Owner: s.target.Owner, Target: s.target.ID})
		return
	}
	e.lone(ctx, s, true)
}

// lone looks again at a target that only we look at.
func (e collector) lone(ctx context.Context, s suspicion, failing bool) {
	k := verdict.Key{Owner: s.target.Owner, Target: s.target.ID}
	defer e.idle(k)
	state := verdict.Up
	if failing {
		state = verdict.Down
		for n := 1; n < loneLooks && s.target.Kind.Called(); n++ {
			if !pause(ctx, lonePause) {
				return
			}
			v := voter(e).ballot(ctx, s.target)
			if v.State == verdict.VoteUnfit {
				return
			}
			if v.State == verdict.VoteUp {
				return
			}
		}
	}
	o := verdict.Outcome{State: state, Decided: true, Weak: s.target.Kind.Called(), Class: s.class}
	ev := verdict.Event{Key: k, Nonce: drawNonce(), Outcome: o, Since: s.at, Last: e.now(), Collector: e.self}
	if err := e.apply(ctx, ev); err != nil && ctx.Err() == nil {
		e.n.Log.Error("a verdict could not be stored", "error", err)
	}
}
