package look

import (
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/target"
)

// The bounds of one look.
const (
	// Bound is how long a look may take in all; an earlier end of its context counts.
	Bound = 10 * time.Second
	// MaxRead is how much of one answer is read, in bytes.
	MaxRead = 64 << 10
	// usualPause is waited before a failed look is tried again.
	usualPause = time.Second
	// grace is how long Look waits for an attempt that does not stop at its bound.
	grace = 500 * time.Millisecond
)

// Needs is what looks are made of.
type Needs struct {
	// Self is who we are: our own targets are looked at without the guard.
	Self core.MemberID
	// Private allows addresses of this machine or its network for everybody's targets:
	// for demos and tests.
	Private bool
	// Dial replaces the network and the resolver: it gets the name as it stands in the
	// target, and no guard stands before it. nil = the real ones.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Resolver replaces the system's; nil = that one.
	Resolver *net.Resolver
	// Roots are the certificate authorities that are believed; nil = the system's.
	Roots *x509.CertPool
	// Agent is the User-Agent of HTTP: it has an address where to say "not me".
	Agent string
	// OwnPrefixes are our public addresses as the world sees them: no target of another
	// member is looked at there. The addresses of this machine count always.
	OwnPrefixes []netip.Prefix
	// Network is told the address before each connection to what is not ours: it may wait
	// until that network's turn comes, and its error makes the look Unfit. nil = no bound.
	Network func(ctx context.Context, to netip.Addr) error
	// Kinds are the kinds that folders below this one add; they may replace ours.
	Kinds map[target.Kind]Probe
	Now   func() time.Time
}

// Probe asks a target what its kind asks, over connections that a opens, and notes in a
// what it finds. nil is well. Any other error becomes a class: a ClassError its own, the
// errors of net, tls and x509 what they mean, all others Content. It returns soon after
// ctx ends.
type Probe func(ctx context.Context, a *Attempt, t target.Target) error

// Looker looks at targets. Safe for concurrent use: it has no limit of its own, the
// scheduler has.
type Looker struct {
	n      Needs
	kinds  map[target.Kind]Probe
	guard  *guard
	chains *chains
	// six says whether a target with both families is looked at over IPv6 first.
	six   func() bool
	pause time.Duration
}

// New makes a Looker.
func New(n Needs) *Looker {
	l := &Looker{n: n, kinds: kinds(), guard: newGuard(n), chains: newChains(n.Roots), pause: usualPause}
	l.six = func() bool { return rand.IntN(2) == 1 } //nolint:gosec // which family goes first is no secret
	maps.Copy(l.kinds, n.Kinds)
	return l
}

// kinds are those that this folder knows.
func kinds() map[target.Kind]Probe {
	return map[target.Kind]Probe{
		target.HTTP:      web,
		target.WebSocket: socket,
		target.TCP:       line,
		target.TLS:       handshake,
		target.S3:        objects,
		target.ICMP:      echo,
	}
}

// Look looks once. It never fails: however it ends is a Class. A first attempt that fails
// is followed by one more after a second, one that hangs by one beside it, over the other
// address family where there are both; the first that is well decides.
func (l *Looker) Look(ctx context.Context, t target.Target) Result {
	begun := l.n.Now()
	at := core.At(begun)
	probe := l.kinds[t.Kind]
	if probe == nil {
		return Result{At: at, Class: Unfit, Detail: clean(fmt.Sprintf("this program does not know the kind %q", t.Kind))}
	}
	bound := Bound
	if end, ok := ctx.Deadline(); ok {
		bound = max(0, min(bound, end.Sub(begun)))
	}
	within, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	r := l.attempts(within, &run{l: l, t: t, probe: probe, begun: begun, bound: bound})
	r.At = at
	if r.Class.Failure() || r.Latency == 0 {
		r.Latency = l.n.Now().Sub(begun)
	}
	if ctx.Err() == context.Canceled {
		return Result{At: at, Class: Unfit, Latency: l.n.Now().Sub(begun), Detail: "stopped while looking"}
	}
	if slow := t.Expect.Slow; r.Class == Fine && slow > 0 && r.Latency >= time.Duration(slow)*time.Millisecond {
		r.Class = Slow
	}
	return r
}

// run is what the attempts of one look share.
type run struct {
	l     *Looker
	t     target.Target
	probe Probe
	begun time.Time
	bound time.Duration
}

// attempts tries once, and once more when that fails or hangs.
func (l *Looker) attempts(ctx context.Context, r *run) Result {
	ended := make(chan *Attempt, 2)
	first := r.begin(ctx, nil, ended)
	again := time.NewTimer(r.bound * 9 / 20)
	defer again.Stop()
	last := time.NewTimer(r.bound + grace)
	defer last.Stop()
	var failed *Attempt
	begun, running, done := 1, 1, ctx.Done()
	for {
		select {
		case a := <-ended:
			running--
			if !a.r.Class.Failure() {
				return half(a, failed, first)
			}
			failed = a
			switch {
			case begun == 1 && a.r.Class != Blocked && l.n.Now().Sub(r.begun)+l.pause < r.bound:
				again.Reset(l.pause)
			case running == 0:
				return a.r
			}
		case <-again.C:
			if begun == 1 {
				begun, running = 2, running+1
				r.begin(ctx, first, ended)
			}
		case <-done: // what runs still says how it ended
			if running == 0 {
				return failed.r
			}
			done, begun = nil, 2
		case <-last.C:
			return Result{Class: Timeout, Detail: "no answer, and no end either"}
		}
	}
}

// half is the result of an attempt that was well, with what the first met: it failed, or
// still hangs while the second was well.
func half(a, failed, first *Attempt) Result {
	if failed == nil && a.turn > 0 {
		failed = first.hangs()
	}
	if failed != nil && a.r.Class != Unfit && failed.r.Family != 0 && a.r.Family != 0 && failed.r.Family != a.r.Family {
		a.r.Half = failed.r.Class
		a.r.Detail = clean(fmt.Sprintf("IPv%d: %s", failed.r.Family, failed.r.Detail))
	}
	return a.r
}

// hangs is what an attempt looks like that has not ended while the one after it was well.
func (a *Attempt) hangs() *Attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	return &Attempt{r: Result{Class: Timeout, Family: a.r.Family, Detail: "no answer yet"}}
}

// begin starts an attempt; after is the one before it.
func (r *run) begin(ctx context.Context, after *Attempt, ended chan<- *Attempt) *Attempt {
	a := &Attempt{l: r.l, own: r.l.n.Self != "" && r.t.Owner == r.l.n.Self}
	a.insecure = a.own && r.t.Local && r.t.Expect.Insecure
	if after != nil {
		a.turn, a.family = 1, after.other()
	}
	go func() {
		begun := a.now()
		err := a.protect(ctx, r.probe, r.t)
		a.close()
		a.mu.Lock()
		defer a.mu.Unlock()
		class, detail := classify(err)
		if a.r.Class = class; class != Fine {
			a.r.Detail = detail
		}
		a.r.Latency = a.since(begun)
		// A probe that does not stop in time still has the attempt: this is a copy.
		ended <- &Attempt{r: a.r, turn: a.turn}
	}()
	return a
}

// protect has a probe that panics on a stranger's bytes be our failure, not the node's end.
func (a *Attempt) protect(ctx context.Context, probe Probe, t target.Target) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Fail(Unfit, "a mistake of this program: %v", p)
		}
	}()
	return probe(ctx, a, t)
}
