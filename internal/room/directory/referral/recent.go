package referral

import (
	"context"
	"fmt"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/freshness"
)

const (
	// recentLives is how long an answer is given again to visitors.
	recentLives = 30 * time.Second
	// oldLives is how long it is given while one visitor waits for a new one.
	oldLives = 10 * time.Minute
	// makingLives bounds how long a new one is made.
	makingLives = 30 * time.Second
)

// Offer is where we send people, of all kinds, and how the members among them stand. It
// is shared, and not to be changed.
type Offer struct {
	Services []catalogue.Found
	Heard    map[string]logbook.Member
}

// Of are the services of one kind; KindUnknown is all kinds.
func (o Offer) Of(kind catalogue.Kind) (all []catalogue.Found) {
	for _, f := range o.Services {
		if kind == catalogue.KindUnknown || f.Service.Kind == kind {
			all = append(all, f)
		}
	}
	return all
}

// recent is the last offer that was made.
type recent struct {
	making sync.Mutex // held by who makes a new one
	lock   sync.Mutex
	offer  Offer
	at     core.Moment // 0 = there is none
	chosen string      // what it was made of
}

// Recent is Elsewhere for visitors: at most half a minute old, and what was chosen here
// since is in it, by a command beside the node too. While one visitor waits for a new one,
// others get the last, for at most ten minutes; then they wait too.
func (r *Referral) Recent(ctx context.Context) (Offer, error) {
	all, err := r.Chosen(ctx)
	if err != nil {
		return Offer{}, err
	}
	chosen := fmt.Sprint(all) // maps are written in the order of their keys
	offer, state := r.last.get(core.At(r.n.Now()), chosen)
	if state == isNew {
		return offer, nil
	}
	if state == isNone {
		r.last.making.Lock()
	} else if !r.last.making.TryLock() {
		return offer, nil
	}
	defer r.last.making.Unlock()
	if offer, state = r.last.get(core.At(r.n.Now()), chosen); state == isNew {
		return offer, nil // somebody made it while we waited
	}
	if err := ctx.Err(); err != nil {
		return Offer{}, err // who left makes none for others
	}
	if offer, err = r.make(ctx); err != nil {
		return Offer{}, err
	}
	r.last.put(offer, core.At(r.n.Now()), chosen)
	return offer, nil
}

// make makes an offer. A visitor who leaves does not spoil it for those who wait for it.
func (r *Referral) make(ctx context.Context) (Offer, error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), makingLives)
	defer done()
	services, err := r.Elsewhere(ctx, catalogue.KindUnknown)
	if err != nil {
		return Offer{}, err
	}
	heard, err := freshness.Heard(ctx, r.n.Book, freshness.Authors(services)...)
	return Offer{services, heard}, err
}

// How an offer stands.
const (
	isNone = iota
	isOld
	isNew
)

func (l *recent) get(now core.Moment, chosen string) (Offer, int) {
	l.lock.Lock()
	defer l.lock.Unlock()
	switch {
	case l.at == 0 || l.chosen != chosen || now < l.at || now >= l.at.Add(oldLives):
		return Offer{}, isNone
	case now >= l.at.Add(recentLives):
		return l.offer, isOld
	}
	return l.offer, isNew
}

func (l *recent) put(offer Offer, at core.Moment, chosen string) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.offer, l.at, l.chosen = offer, at, chosen
}
