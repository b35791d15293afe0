package peer

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
)

const (
	// What one member may ask: requests per second, in a burst, and at once.
	perSecond = 300
	burst     = 600
	atOnce    = 64
	// strangers is how many unsigned requests are answered at once.
	strangers = 512
	// checks is how many signatures are looked at at once: before that nobody is
	// proved to be anybody.
	checks = 128
	// maxMembers bounds the books kept per member.
	maxMembers = 10_000
)

// gate limits who may take how much of us. Only proved members have a book, so
// that a stranger cannot make us keep any.
type gate struct {
	checking chan struct{}
	public   chan struct{}

	mu    sync.Mutex
	books map[core.MemberID]*book
}

// book is what we count for one member.
type book struct {
	rate   *rate.Limiter
	flying int
}

func newGate() *gate {
	return &gate{
		checking: make(chan struct{}, checks), public: make(chan struct{}, strangers),
		books: map[core.MemberID]*book{},
	}
}

// admit counts a request; from is empty for a stranger's. done gives the place
// back. Returns CodeUnsure when there is none.
func (g *gate) admit(from core.MemberID, now time.Time) (done func(), err error) {
	if from == "" {
		return take(g.public, "strangers")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.books[from]
	if b == nil {
		if len(g.books) >= maxMembers {
			clear(g.books)
		}
		b = &book{rate: rate.NewLimiter(perSecond, burst)}
		g.books[from] = b
	}
	if b.flying >= atOnce || !b.rate.AllowN(now, 1) {
		return nil, slowDown(from)
	}
	b.flying++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		b.flying--
	}, nil
}

// check takes a place for looking at a signature.
func (g *gate) check() (done func(), err error) { return take(g.checking, "unproved requests") }

func take(places chan struct{}, who core.MemberID) (done func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	default:
		return nil, slowDown(who)
	}
}

func slowDown(who core.MemberID) error {
	return core.Unsure("peer.slow_down", fmt.Errorf("%s: too much at once", who))
}
