package referral

import (
	"context"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/freshness"
)

// recentLives is how long an answer is given again to visitors.
const recentLives = 30 * time.Second

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
	turn   int         // counts choices: an offer that was begun before one is old
}

// Recent is Elsewhere for visitors: at most half a minute old, and what was chosen here
// since is in it. While one visitor waits for a new one, others get the last.
func (r *Referral) Recent(ctx context.Context) (Offer, error) {
	offer, state := r.last.get(core.At(r.n.Now()))
	if state == isNew {
		return offer, nil
	}
	if state == isNone {
		r.last.making.Lock()
	} else if !r.last.making.TryLock() {
		return offer, nil
	}
	defer r.last.making.Unlock()
	if offer, state = r.last.get(core.At(r.n.Now())); state == isNew {
		return offer, nil // somebody made it while we waited
	}
	turn := r.last.begin()
	services, err := r.Elsewhere(ctx, catalogue.KindUnknown)
	if err != nil {
		return Offer{}, err
	}
	heard, err := freshness.Heard(ctx, r.n.Book, freshness.Authors(services)...)
	if err != nil {
		return Offer{}, err
	}
	offer = Offer{services, heard}
	r.last.put(offer, core.At(r.n.Now()), turn)
	return offer, nil
}

// How an offer stands.
const (
	isNone = iota
	isOld
	isNew
)

func (l *recent) get(now core.Moment) (Offer, int) {
	l.lock.Lock()
	defer l.lock.Unlock()
	switch {
	case l.at == 0:
		return Offer{}, isNone
	case now < l.at || now >= l.at.Add(recentLives):
		return l.offer, isOld
	}
	return l.offer, isNew
}

func (l *recent) begin() int {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.turn
}

func (l *recent) put(offer Offer, at core.Moment, turn int) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if turn == l.turn {
		l.offer, l.at = offer, at
	}
}

// forget is called when something else was chosen.
func (l *recent) forget() {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.turn, l.at = l.turn+1, 0
}
