package guard

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook/author"
	"entrechat/internal/kit/logbook/members"
	"entrechat/internal/kit/logbook/mirror"
	"entrechat/internal/kit/logbook/repair"
	"entrechat/internal/kit/logbook/store"
)

// A node that was restored from yesterday's backup and signs on would look like a
// cheat for ever. So before a process appends, members that confirmed holding our
// log are asked how far it goes, and what we lack is fetched back.
//
// A command beside a healthy node need not ask again, but it must be sure that the
// node lives on this very database and not on the one this was copied from. What
// cannot be copied is the node's memory: the command writes a random question into
// the node's lease, and only the node itself answers it.
// spec: docs/spec/exchange.md#guard
const (
	// RenewEvery is the time between two renewals of the lease.
	RenewEvery = 2 * time.Minute
	// leaseFresh is the age up to which a lease is worth a question.
	leaseFresh = 5 * time.Minute
	pollTime   = 40 * time.Millisecond
	// enoughAnswers is how many answers are enough.
	enoughAnswers = 2
	// secondAnswerTime is how long a second answer is waited for after the first.
	secondAnswerTime = 3 * time.Second
)

// Guard lets our own log be written when that is safe.
type Guard struct {
	st       *store.Store
	reg      *members.Registry
	author   *author.Author
	remote   *mirror.Remote
	contacts *mirror.Contacts
	mirror   *mirror.Mirror
	repair   *repair.Repairer
	answer   time.Duration
	// instance names this process and nothing else: it is drawn at its start and
	// kept in memory, so that a copy of the data, or of the whole machine's disk,
	// cannot answer for it.
	instance string
}

// Needs is what a guard is made of.
type Needs struct {
	Store   *store.Store
	Members *members.Registry
	Author  *author.Author
	Parts   mirror.Parts
	Repair  *repair.Repairer
	Answer  time.Duration // a command waits so long for the node to say that it lives
}

// New makes the guard of this process.
func New(n Needs) *Guard {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails since Go 1.24
	return &Guard{
		st: n.Store, reg: n.Members, author: n.Author, remote: n.Parts.Remote, contacts: n.Parts.Contacts, mirror: n.Parts.Mirror,
		repair: n.Repair, answer: n.Answer, instance: hex.EncodeToString(id[:]),
	}
}

// Instance is a random name of this process.
func (g *Guard) Instance() string { return g.instance }

// Change makes a change of our own log that signs it, when the guard lets it. A log
// that shows itself damaged on the way is repaired first.
func (g *Guard) Change(ctx context.Context, do func(context.Context, db.Querier) error) error {
	if err := g.Pass(ctx); err != nil {
		return err
	}
	err := g.st.DB.Tx(ctx, do)
	if store.IsDamage(err) {
		if err := g.repair.RepairOwn(ctx); err != nil {
			g.author.Doubt()
			return err
		}
		err = g.st.DB.Tx(ctx, do)
	}
	if err == nil {
		g.st.Wake()
	}
	return err
}

// Stopped says why nothing may be appended until people act; nil when it may.
// Returns CodeConflict (logbook.own_fork).
func (g *Guard) Stopped(ctx context.Context) error { return author.Stopped(ctx, g.st.DB) }

// Pass returns nil when appending is safe now. Returns CodeUnsure
// (logbook.catching_up) when there are mirrors and none answers, CodeConflict when
// another history or another node of ours is about, CodeInternal (logbook.damaged)
// when our log is damaged here and nobody gave it back.
func (g *Guard) Pass(ctx context.Context) error {
	if err := author.Stopped(ctx, g.st.DB); err != nil {
		return err
	}
	if g.author.Cleared() {
		return nil
	}
	alive, silent, err := g.nodeAlive(ctx)
	if err != nil {
		return err
	}
	if !alive {
		if err := g.repair.RepairOwn(ctx); err != nil {
			return err
		}
		if err := g.checkTwin(ctx, silent); err != nil {
			return err
		}
		if err := g.catchUp(ctx); err != nil {
			return err
		}
		// This may be a restored, older state: others must not go on counting.
		if err := store.RenewNumbering(ctx, g.st.DB); err != nil {
			return err
		}
	}
	g.author.Passed()
	return author.Stopped(ctx, g.st.DB)
}

// nodeAlive says whether a process that passed the guard lives on this database,
// or an admin spoke for it; silent are those that have a lease and do not answer.
func (g *Guard) nodeAlive(ctx context.Context) (alive bool, silent []string, err error) {
	leases, err := store.GuardedSince(ctx, g.st.DB, g.st.Now().Add(-leaseFresh))
	if err != nil {
		return false, nil, err
	}
	for _, l := range leases {
		if l.Instance == g.instance {
			continue
		}
		if l.Instance == store.AloneLease {
			return true, nil, nil
		}
		if alive, err := g.ask(ctx, l.Instance); err != nil || alive {
			return alive, nil, err
		}
		silent = append(silent, l.Instance)
	}
	return false, silent, nil
}

// ask asks the holder of a lease whether it lives.
func (g *Guard) ask(ctx context.Context, instance string) (bool, error) {
	if err := store.AskLease(ctx, g.st.DB, instance, rand.Text()); err != nil {
		return false, err
	}
	asked, ok, err := store.GetLease(ctx, g.st.DB, instance)
	if err != nil || !ok || asked.Ask == "" { // answered already
		return ok && err == nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, g.answer)
	defer cancel()
	look := time.NewTicker(pollTime)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, nil
		case <-look.C:
		}
		l, ok, err := store.GetLease(ctx, g.st.DB, instance)
		if ctx.Err() != nil {
			return false, nil
		}
		if err != nil || !ok || l.Ask != asked.Ask { // only the holder takes it away
			return ok && err == nil, err
		}
	}
}

// AnswerLease answers questions put into our lease.
func (g *Guard) AnswerLease(ctx context.Context) error {
	l, ok, err := store.GetLease(ctx, g.st.DB, g.instance)
	if err != nil || !ok || l.Ask == "" {
		return err
	}
	return store.AnswerLease(ctx, g.st.DB, g.instance, l.Ask)
}

// RenewLease passes the guard, renews it, and lets commands beside us rely on it.
func (g *Guard) RenewLease(ctx context.Context) error {
	// Before it passed, the lease only says that we are no twin.
	if err := store.PutLease(ctx, g.st.DB, g.instance, g.st.Now(), g.author.Cleared()); err != nil {
		return err
	}
	if err := g.Pass(ctx); err != nil {
		return err
	}
	if err := g.checkTwin(ctx, nil); err != nil {
		g.author.Doubt()
		return err
	}
	g.author.Passed()
	return store.PutLease(ctx, g.st.DB, g.instance, g.st.Now(), true)
}

// ConfirmAlone is an admin's word that no mirror will answer and that what is here
// is the newest: for the next minutes appending goes on from it. It does not lift
// a stop for a fork.
func (g *Guard) ConfirmAlone(ctx context.Context) error {
	if err := author.Stopped(ctx, g.st.DB); err != nil {
		return err
	}
	return store.PutLease(ctx, g.st.DB, store.AloneLease, g.st.Now(), true)
}

// catchUp asks members that confirmed holding our log for its newest head, and
// fetches back what we lack. One answer is enough to go on, two are sought. Where
// nobody confirmed yet, members we know are asked as well, but need not answer.
func (g *Guard) catchUp(ctx context.Context) error {
	all, err := g.contacts.Neighbours(ctx)
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(x, y store.Neighbour) int { return cmp.Compare(min(y.ConfirmedSize, 1), min(x.ConfirmedSize, 1)) })
	all = all[:min(len(all), mirror.MaxAsked)]
	type answer struct {
		from core.MemberID
		err  error
	}
	answers := make(chan answer, len(all))
	ask, stop := context.WithCancel(ctx)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer stop()
	confirmed, answered := 0, 0
	for _, n := range all {
		if n.ConfirmedSize > 0 {
			confirmed++
		}
		asking.Go(func() { answers <- answer{n.Member, g.mirror.PullOwn(ask, n.At())} })
	}
	var problems error
	var enough <-chan time.Time
	for range all {
		var a answer
		select {
		case a = <-answers:
		case <-enough:
			return nil
		}
		switch {
		case a.err == nil:
			answered++
			enough = time.After(secondAnswerTime)
		case errors.Is(a.err, mirror.ErrConflict), core.CodeOf(a.err) == core.CodeConflict:
			return core.Conflict("logbook.own_fork", fmt.Errorf("%s holds another history of our log: %w", a.from, a.err)).With("Member", a.from)
		default:
			problems = errors.Join(problems, a.err)
		}
		if answered >= enoughAnswers {
			return nil
		}
	}
	if confirmed > 0 && answered == 0 {
		return core.Unsure("logbook.catching_up", fmt.Errorf("none of %d mirrors answered: %w", confirmed, problems))
	}
	return ctx.Err()
}

// Twin says whether another node answers at our address with our key: the one of the two
// that does not have the address signs nothing. Nobody answering proves nothing. Returns
// CodeConflict (logbook.twin).
func (g *Guard) Twin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, twinTime)
	defer cancel()
	return g.checkTwin(ctx, nil)
}

// twinTime is how long a person waits for the answer of our own address.
const twinTime = 5 * time.Second

// checkTwin asks our own address who answers there. Another process that does not
// live on this database means that two nodes run with our key: the one that does
// not have the address must not sign. Nobody answering proves nothing. silent are
// processes that were asked in vain already.
func (g *Guard) checkTwin(ctx context.Context, silent []string) error {
	address, err := g.reg.URL(ctx, g.st.Self())
	if core.CodeOf(err) == core.CodeNotFound {
		return nil // no log yet
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	w, err := g.remote.Discover(ctx, address)
	if unknown := err != nil || w.Origin != g.st.Self() || w.Instance == ""; unknown || w.Instance == g.instance {
		return nil
	}
	if !slices.Contains(silent, w.Instance) {
		alive, err := g.ask(ctx, w.Instance)
		if err != nil || alive {
			return err
		}
	}
	return core.Conflict("logbook.twin", fmt.Errorf("another node answers at %s", address))
}
