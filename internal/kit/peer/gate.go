package peer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

const (
	// What one member may ask: requests per second, in a burst, and at once.
	perSecond = 300
	burst     = 600
	atOnce    = 64
	// checks is how many signatures are looked at at once: before that nobody is
	// proved to be anybody. The others wait for their turn, which takes no network.
	checks = 128
	// maxMembers bounds the books kept per member.
	maxMembers = 10_000
	// maxPage bounds what a browser or a program that is no member may send, in
	// bytes; a page's own bound is smaller.
	maxPage = 2 << 20
	// toolPatience is patience with this machine's own programs: restic may write to a
	// disk that sleeps. maxTool bounds what one sends at once, in bytes.
	toolPatience = 5 * time.Minute
	maxTool      = 1 << 40
	// pageTime is how long the work for a page may take, without its way to the reader.
	pageTime = time.Minute
)

// Gate limits who may take how much of a listener that the world reaches. Each class
// of requests has its own places, so that strangers never take a member's: members
// (a signature that holds), strangers, and strangers whose request is held open.
// What it counts by address lives as long as the request and is never written down.
type Gate struct {
	checking  chan struct{}
	members   *pool
	ordinary  *pool
	waiting   *pool
	perMember int
	proxies   []netip.Prefix

	mu    sync.Mutex
	books map[core.MemberID]*book
}

// book is what we count for one member. Only proved members have one, so that a
// stranger cannot make us keep any.
type book struct {
	rate   *rate.Limiter
	flying int
}

// NewGate makes the gate of a listener with so many connections at most. proxies are
// believed when they name the visitor in X-Forwarded-For; loopback always is.
func NewGate(connections int, proxies []netip.Prefix) *Gate {
	members := connections * 5 / 8
	return &Gate{
		checking: make(chan struct{}, checks),
		members:  &pool{most: members, held: map[*place]struct{}{}},
		// What is left over is for connections of which nothing is known yet.
		ordinary:  &pool{most: connections / 4, perClient: max(connections/16, 2), evicts: true, held: map[*place]struct{}{}},
		waiting:   &pool{most: connections / 16, perClient: max(connections/64, 2), held: map[*place]struct{}{}},
		perMember: min(atOnce, members/2), proxies: proxies,
		books: map[core.MemberID]*book{},
	}
}

// visitor is whose request it is: from is empty for a stranger's; waits says that
// the request is held open until there is news.
type visitor struct {
	from  core.MemberID
	waits bool
}

// admit gives a request a place of its class. done gives it back. Returns CodeUnsure
// when there is none.
func (g *Gate) admit(a *answer, r *http.Request, v visitor, now time.Time) (done func(), err error) {
	class, home := g.ordinary, func() {}
	switch {
	case v.from != "":
		class = g.members
		if home, err = g.open(v.from, now); err != nil {
			return nil, err
		}
	case v.waits:
		class = g.waiting
	}
	p := &place{conn: a.conn, client: client(r, g.proxies)}
	if err := class.enter(p); err != nil {
		home()
		return nil, err
	}
	a.place = p
	hold(a.conn)
	return func() {
		release(a.conn)
		class.leave(p)
		home()
	}, nil
}

// open counts a request in the book of a member.
func (g *Gate) open(from core.MemberID, now time.Time) (done func(), err error) {
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
	if b.flying >= g.perMember || !b.rate.AllowN(now, 1) {
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
func (g *Gate) check(ctx context.Context) (done func(), err error) {
	select {
	case g.checking <- struct{}{}:
		return func() { <-g.checking }, nil
	case <-ctx.Done():
		return nil, core.Unsure("peer.unreachable", ctx.Err())
	}
}

// Pages puts what people and programs that are no members ask for behind the gate:
// bodies and answers that do not get on are cut, as on a member's route. refuse
// tells who got no place.
func (g *Gate) Pages(next http.Handler, now func() time.Time, refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := newAnswer(w, r)
		defer a.end()
		done, err := g.admit(a, r, visitor{}, now())
		if err == nil {
			defer done()
			r, _, err = bound(a, r, maxPage, "")
		}
		if err != nil {
			a.close()
			refuse(a, r, err)
			return
		}
		ctx, cancel := context.WithTimeout(db.Guest(r.Context()), pageTime)
		defer cancel()
		next.ServeHTTP(a, r.WithContext(context.WithValue(ctx, clientKey{}, client(r, g.proxies))))
	})
}

// Tools serves this machine's own programs on a bounded listener. Who may do what is
// for next to say; a body or an answer that does not get on for five minutes is cut.
func Tools(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := newAnswer(w, r)
		defer a.end()
		a.patience = toolPatience
		hold(a.conn)
		defer release(a.conn)
		r, _, err := bound(a, r, maxTool, "")
		if err != nil {
			WriteError(a, err)
			return
		}
		next.ServeHTTP(a, r)
	})
}

// pool is the places for requests of one class.
type pool struct {
	most int
	// perClient is how many of them one address may have; 0 = all.
	perClient int
	// evicts says that a newcomer may have the place of who made us wait longest.
	evicts bool

	mu   sync.Mutex
	held map[*place]struct{}
}

// place is held by one request.
type place struct {
	client netip.Prefix // zero = not known
	conn   net.Conn     // nil = none to cut
	// since is when the other side last got on, in nanoseconds since 1970, while we
	// wait for it; 0 while we work.
	since atomic.Int64
}

func (p *place) wait(since time.Time) {
	if p != nil {
		p.since.Store(since.UnixNano())
	}
}

func (p *place) work() {
	if p != nil {
		p.since.Store(0)
	}
}

// enter takes a place. In a pool that evicts, the slowest visitor's connection is
// closed for it, so that many who send next to nothing keep nobody out.
func (o *pool) enter(p *place) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	mine := 0
	for q := range o.held {
		if p.client.IsValid() && q.client == p.client {
			mine++
		}
	}
	switch {
	case o.perClient > 0 && mine >= o.perClient:
		if !o.evict(func(q *place) bool { return q.client == p.client }) {
			return slowDown("")
		}
	case len(o.held) >= o.most:
		if !o.evict(func(*place) bool { return true }) {
			return core.Unsure("peer.busy", errors.New("no place is free"))
		}
	}
	o.held[p] = struct{}{}
	return nil
}

// evict closes the connection that made us wait longest, among some.
func (o *pool) evict(among func(*place) bool) bool {
	var slowest *place
	longest := int64(math.MaxInt64)
	for q := range o.held {
		if since := q.since.Load(); since != 0 && since < longest && q.conn != nil && among(q) {
			slowest, longest = q, since
		}
	}
	if !o.evicts || slowest == nil {
		return false
	}
	delete(o.held, slowest)
	_ = slowest.conn.Close() // its handler notices
	return true
}

func (o *pool) leave(p *place) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.held, p)
}

func slowDown(who core.MemberID) error {
	return core.Unsure("peer.slow_down", fmt.Errorf("%q: too much at once", who))
}
