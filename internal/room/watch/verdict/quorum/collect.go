package quorum

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/verdict"
)

func drawNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says crypto/rand
	return hex.EncodeToString(b[:])
}

// collect runs one case: it asks all voters, again after a while unless one round is
// enough, and shows what it came to.
func (e collector) collect(ctx context.Context, s suspicion) {
	k := verdict.Key{Owner: s.target.Owner, Target: s.target.ID}
	defer e.idle(k)
	e.mu.Lock()
	a, ok := e.draw(k, "", e.now())
	state, after := verdict.Up, ""
	w := e.at(k)
	if n := len(w.spans); n > 0 {
		state, after = w.spans[n-1].State, w.spans[n-1].Nonce
	}
	e.mu.Unlock()
	if !ok {
		return
	}
	began := e.n.Now()
	c := verdict.Certificate{Case: verdict.Case{Owner: k.Owner, Target: k.Target, Roster: a.Roster, Nonce: drawNonce(), Collector: e.self}, At: s.at, After: after}
	first := e.round(ctx, a, s, c.Case, 1)
	own := slices.IndexFunc(first, func(v verdict.Vote) bool { return v.Voter == e.self })
	if ctx.Err() != nil || own < 0 || first[own].State == verdict.VoteUnfit {
		e.refuted(k, false)
		return // who cannot trust itself accuses nobody
	}
	rounds := [][]verdict.Vote{first}
	barred := e.barredAt(k.Owner, verdict.Median(first, nil))
	o := verdict.Judge(a, barred, first)
	if !o.Decided || state == verdict.Up && o.Failing > 0 {
		if !pause(ctx, verdict.RoundPause-e.n.Now().Sub(began)) {
			return
		}
		rounds = append(rounds, e.round(ctx, a, s, c.Case, 2))
		o = verdict.Judge(a, barred, rounds...)
		if i := slices.IndexFunc(rounds[1], func(v verdict.Vote) bool { return v.Voter == e.self }); i < 0 || rounds[1][i].State == verdict.VoteUnfit {
			e.refuted(k, false)
			return
		}
	}
	if ctx.Err() != nil {
		return
	}
	c.State, c.Votes = o.State, slices.Concat(rounds...)
	e.conclude(ctx, a, c, state)
}

// refuted makes us wait; blind: too few answered to say that the target is up.
func (e collector) refuted(k verdict.Key, blind bool) {
	e.mu.Lock()
	w := e.at(k)
	now := e.now()
	w.refute(now)
	if blind {
		w.wait = now.Add(firstWait)
		if w.greyed == 0 {
			w.greyed = now
		}
	}
	e.mu.Unlock()
}

// conclude shows what a case came to. What changes the state goes into our logbook; and
// so does, once a day, what shows that a voter is against all others.
func (e collector) conclude(ctx context.Context, a verdict.Assignment, c verdict.Certificate, state verdict.State) {
	k := verdict.Key{Owner: c.Owner, Target: c.Target}
	if c.State == verdict.Unknown {
		e.refuted(k, state == verdict.Up)
		teller(e).tellSoon(ctx, k)
		return
	}
	ev, err := e.check(ctx, c)
	if err != nil {
		e.n.Log.Error("our own certificate does not hold", "error", err)
		e.refuted(k, false)
		return
	}
	switch {
	case c.State != state:
		err = e.publish(ctx, c, ev)
	case e.showsDissent(c, ev):
		err = e.publish(ctx, c, ev)
		e.refuted(k, false)
	default:
		e.refuted(k, false)
		e.close(ev)
	}
	if err != nil && ctx.Err() == nil {
		e.n.Log.Error("a certificate could not be stored", "error", err)
	}
	e.mu.Lock()
	hash := ""
	for _, have := range e.at(k).events {
		if have.Nonce == c.Nonce {
			hash = have.Hash
		}
	}
	e.mu.Unlock()
	e.show(ctx, a, News{Entry: hash, Certificate: c})
	teller(e).tellSoon(ctx, k)
}

// publish stores a certificate of ours, and puts it into our logbook: at once if it can
// be, otherwise a job does.
func (e collector) publish(ctx context.Context, c verdict.Certificate, ev verdict.Event) error {
	body, err := wire.Encode(c)
	if err != nil {
		return err
	}
	proof := row{Kind: kindProof, Owner: c.Owner, ID: c.Nonce, At: ev.Last, Body: body}
	waiting := proof
	waiting.Kind = kindOutbox
	// Stored first: when we die behind this line, the job puts it into the logbook.
	if err := e.apply(ctx, ev, proof, waiting); err != nil {
		return err
	}
	return e.log(ctx, c)
}

// log puts a stored certificate into our logbook. That it cannot be now is no error.
func (e collector) log(ctx context.Context, c verdict.Certificate) error {
	entry, err := e.n.Book.Append(ctx, verdict.TypeVerdict, nil, 0, c)
	if err != nil {
		e.n.Log.Info("a certificate is not in the logbook yet", "error", err)
		return nil
	}
	if err := e.named(ctx, verdict.Key{Owner: c.Owner, Target: c.Target}, c.Nonce, row{Log: e.self, Index: entry.Index, ID: verdict.HexHash(entry.Hash)}); err != nil {
		return err
	}
	return e.facts.Put(ctx, row{Kind: kindOutbox, Owner: c.Owner, ID: c.Nonce, gone: true})
}

// dissentEvery is how often one voter's dissent goes into anybody's logbook: often enough
// to count a liar within some hours, and so seldom that one bad hour counts twice at most.
const dissentEvery = time.Hour

// showsDissent says whether a case that changed nothing shows that a voter stood against all
// others twice, which the others must be able to count.
func (e collector) showsDissent(c verdict.Certificate, ev verdict.Event) bool {
	if c.State != verdict.Up || len(c.Votes) == 0 {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	barred := e.barredOf(c.Owner, now)
	told := map[core.MemberID]bool{}
	for _, have := range e.ofOwner(c.Owner) {
		if have.Hash == "" || have.Last <= now.Add(-dissentEvery) {
			continue
		}
		for _, s := range have.Against {
			told[s.Voter] = told[s.Voter] || s.Disagree > 1
		}
	}
	return slices.ContainsFunc(ev.Against, func(s verdict.Stand) bool {
		return s.Voter != e.self && s.Disagree > 1 && !barred[s.Voter] && !told[s.Voter]
	})
}

// round asks every voter at once, ourselves among them, and answers the votes that hold,
// in rank order.
func (e collector) round(ctx context.Context, a verdict.Assignment, s suspicion, c verdict.Case, n int) []verdict.Vote {
	ask := verdict.Ask{Owner: c.Owner, Target: c.Target, Roster: c.Roster, Nonce: c.Nonce, Round: n, Class: s.class, At: e.now()}
	ctx, cancel := context.WithTimeout(ctx, verdict.CallTime)
	defer cancel()
	got := make([]*verdict.Vote, len(a.Seats))
	var wait sync.WaitGroup
	for i, seat := range a.Seats {
		wait.Go(func() {
			if seat.Member == e.self {
				v := voter(e).ballot(ctx, s.target)
				v.Round = n
				v.Sign(c, e.n.Signer)
				got[i] = &v
				return
			}
			v, err := e.n.Calls.Vote(ctx, seat.Member, ask)
			if err == nil && v.Voter == seat.Member && v.Round == n && v.Sound() && e.holds(ctx, v, c) {
				got[i] = &v
			}
		})
	}
	wait.Wait()
	var votes []verdict.Vote
	for _, v := range got {
		if v != nil {
			votes = append(votes, *v)
		}
	}
	return inTime(votes)
}

// inTime leaves out votes whose clock is too far from the others'.
func inTime(votes []verdict.Vote) []verdict.Vote {
	middle := verdict.Median(votes, nil)
	return slices.DeleteFunc(votes, func(v verdict.Vote) bool { return v.At.Sub(middle).Abs() > verdict.RoundSpread })
}

func (e collector) holds(ctx context.Context, v verdict.Vote, c verdict.Case) bool {
	keys, err := e.n.Members.Keys(ctx, v.Voter)
	return err == nil && slices.ContainsFunc(keys, func(k ed25519.PublicKey) bool { return e.proves(k, v.Text(c), v.Sig) })
}

// show tells the owner and all voters at once.
func (e collector) show(ctx context.Context, a verdict.Assignment, n News) {
	to := append(make([]core.MemberID, 0, 1+len(a.Seats)), a.Owner)
	for _, s := range a.Seats {
		to = append(to, s.Member)
	}
	slices.SortFunc(to, func(a, b core.MemberID) int { return cmp.Compare(a, b) })
	ctx, cancel := context.WithTimeout(ctx, verdict.CallTime)
	defer cancel()
	var wait sync.WaitGroup
	for _, m := range slices.Compact(to) {
		if m != e.self {
			wait.Go(func() {
				if err := e.n.Calls.Tell(ctx, m, n); err != nil {
					e.n.Log.Debug("a member did not take a certificate", "member", m, "error", err)
				}
			})
		}
	}
	wait.Wait()
}
