package quorum

import (
	"context"
	"fmt"
	"math"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// lookTime bounds a look for a vote.
const lookTime = 4 * time.Second

// ballot looks now and says what it comes to, unsigned. A failure counts only when we are
// fit ourselves and not cut off.
func (e voter) ballot(ctx context.Context, t target.Target) verdict.Vote {
	at := e.now()
	looking, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	r, ok := e.n.Looks.Ask(looking, t)
	if !ok {
		r = look.Result{Class: look.Unfit}
	}
	if r.At == 0 {
		r.At = at
	}
	v := verdict.Shape(r)
	if v.State == verdict.VoteDown && (!e.n.Looks.Fit().Fit || canary(e).isolated(ctx)) {
		v.State, v.Class = verdict.VoteUnfit, look.Unfit
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.at(verdict.Key{Owner: t.Owner, Target: t.ID})
	if v.State == verdict.VoteUp {
		w.good = max(w.good, v.At)
	}
	if v.State != verdict.VoteUnfit {
		w.looked, w.failed = v.At, v.State == verdict.VoteDown
	}
	return v
}

// Answer looks because another voter of the target suspects something, and votes. Nothing
// is looked at before it is sure that the caller may ask. Returns CodeInvalid; CodeDenied
// for who has no vote on that target, and for a clock that is wrong; CodeNotFound,
// CodeConflict for a call that was answered before; CodeUnsure for one that comes too
// often, and for a roster that has not come yet.
// spec: docs/spec/watch.md#votes
func (e *Engine) Answer(ctx context.Context, from core.MemberID, a verdict.Ask) (verdict.Vote, error) {
	now := e.now()
	if err := a.Check(from, now); err != nil {
		return verdict.Vote{}, err
	}
	k := verdict.Key{Owner: a.Owner, Target: a.Target}
	if err := (voter{e}).know(ctx, k); err != nil {
		return verdict.Vote{}, err
	}
	rank, t, err := voter{e}.admit(from, a, now)
	if err != nil {
		return verdict.Vote{}, err
	}
	// Stored first: two answers to one call would prove that we lie.
	first, err := e.facts.First(ctx, row{Kind: kindVoted, Owner: from, ID: fmt.Sprintf("%s/%d", a.Nonce, a.Round), At: now, Body: []byte("{}")})
	if err != nil {
		return verdict.Vote{}, err
	}
	if !first {
		return verdict.Vote{}, core.Conflict("watch.verdict.voted", fmt.Errorf("%s asked twice in one round", from))
	}
	v := voter{e}.ballot(ctx, t)
	v.Round = a.Round
	v.Sign(a.Of(from), e.n.Signer)
	voter{e}.arm(k, from, rank, a.Nonce, v)
	return v, nil
}

// know reads the targets again when there is one we do not know.
func (e voter) know(ctx context.Context, k verdict.Key) error {
	e.mu.Lock()
	_, ok := e.targets[k]
	e.mu.Unlock()
	if ok {
		return nil
	}
	return e.refresh(ctx, 10*time.Second)
}

// admit says whether a member may have us look, and charges it.
func (e voter) admit(from core.MemberID, a verdict.Ask, now core.Moment) (rank int, t target.Target, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	k := verdict.Key{Owner: a.Owner, Target: a.Target}
	drawn, ok := e.draw(k, a.Roster, now)
	if !ok {
		return 0, t, core.Unsure("watch.verdict.no_roster", fmt.Errorf("no roster %.8s of %s", a.Roster, a.Owner)).With("Member", a.Owner)
	}
	_, rank = drawn.Seat(e.self)
	_, promised := e.promised(a.Owner)
	if _, his := drawn.Seat(from); his < 0 || rank < 0 || !promised || from == e.self || e.barredOf(a.Owner, now)[from] {
		return 0, t, core.Denied("watch.verdict.no_vote", fmt.Errorf("%s has no vote on %s of %s", from, a.Target, a.Owner)).With("Member", from)
	}
	t, ok = e.targets[k]
	if !ok || t.Paused || t.Local || !t.Kind.Called() {
		return 0, t, core.NotFound("watch.verdict.no_target", fmt.Errorf("no target %s of %s to look at", a.Target, a.Owner)).With("Member", a.Owner)
	}
	if !e.charge(charge{from, k}, now) {
		return 0, t, core.Unsure("watch.verdict.too_often", fmt.Errorf("%s asks too often for %s of %s", from, a.Target, a.Owner)).With("Member", from)
	}
	return rank, t, nil
}

// charge is what one accuser has us look at.
type charge struct {
	from core.MemberID
	verdict.Key
}

// bucket counts looks that an accuser may still have.
type bucket struct {
	left float64
	at   core.Moment
}

// Looks for one accuser at one target: eight at once, then one in 520 s, 174 in a day. Six
// other voters make 1,044.
const (
	bucketSize = 8.0
	bucketFill = 520 * time.Second
)

// charge takes one look off an accuser's bucket; false: it is empty; e.mu is held.
func (e *memory) charge(c charge, now core.Moment) bool {
	b := e.charged[c]
	if b == nil {
		b = &bucket{left: bucketSize, at: now}
		e.charged[c] = b
	}
	b.left = math.Min(bucketSize, b.left+float64(max(now-b.at, 0))/float64(bucketFill.Microseconds()))
	b.at = max(b.at, now)
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// arm notes that we voted in another's case, and takes it over should that one die.
func (e voter) arm(k verdict.Key, from core.MemberID, rank int, nonce string, v verdict.Vote) {
	now := e.now()
	e.mu.Lock()
	w := e.at(k)
	o := w.open
	if last := w.cases[from]; last != "" && last != nonce {
		w.unclosed[from] = now // it began another, and did not end that one
	}
	w.cases[from] = nonce
	if o == nil || o.nonce != nonce {
		o = &openCase{collector: from, nonce: nonce}
		w.open = o
	}
	o.last = now
	if v.State == verdict.VoteDown && o.at == 0 {
		o.at, o.class = v.At, v.Class
	}
	e.mu.Unlock()
	e.after(takes(now, rank).Sub(now), func(ctx context.Context) { e.takeOver(ctx, k, nonce, now) })
}

// takeOver goes on with a case that its collector left open.
func (e voter) takeOver(ctx context.Context, k verdict.Key, nonce string, last core.Moment) {
	now := e.now()
	e.mu.Lock()
	w := e.at(k)
	o := w.open
	if o == nil || o.nonce != nonce || o.last != last {
		e.mu.Unlock()
		return
	}
	w.open = nil
	w.unclosed[o.collector] = now
	state := verdict.Up
	if n := len(w.spans); n > 0 {
		state = w.spans[n-1].State
	}
	t, ok := e.targets[k]
	begin := ok && o.at != 0 && state != verdict.Down && !w.busy && now >= w.wait
	w.busy = w.busy || begin
	e.mu.Unlock()
	if begin {
		collector(e).collect(ctx, suspicion{target: t, at: o.at, class: o.class})
	}
}
