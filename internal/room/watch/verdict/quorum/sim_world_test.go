package quorum

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/schedule"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// The simulated world: many nodes with the engine itself, their clocks, lines and looks,
// on fake time. Everything random comes from one seed.

// quickSigner signs by a hash, for worlds in which nobody forges.
type quickSigner struct {
	id  core.MemberID
	key ed25519.PublicKey
}

func (s quickSigner) ID() core.MemberID         { return s.id }
func (s quickSigner) Public() ed25519.PublicKey { return s.key }
func (s quickSigner) Sign(m []byte) []byte      { return quickSig(s.key, m) }

func quickSig(key ed25519.PublicKey, m []byte) []byte {
	sum := sha256.Sum256(append(slices.Clone(key), m...))
	return sum[:]
}

func quickProves(key ed25519.PublicKey, m, sig []byte) bool {
	return slices.Equal(quickSig(key, m), sig)
}

// times are when something is so, in order and apart.
type times [][2]time.Duration

func (t times) at(d time.Duration) bool {
	i, _ := slices.BinarySearchFunc(t, d, func(s [2]time.Duration, d time.Duration) int {
		if s[1] <= d {
			return -1
		}
		return 1
	})
	return i < len(t) && t[i][0] <= d
}

// happens draws times: one each so often on average, of a median length.
func happens(r *rand.Rand, within, each, median time.Duration) (t times) {
	at := time.Duration(0)
	for each > 0 {
		at += time.Duration(r.ExpFloat64() * float64(each))
		long := time.Duration(float64(median) * math.Exp(r.NormFloat64()*0.8))
		if at+long >= within {
			break
		}
		t = append(t, [2]time.Duration{at, at + long})
		at += long
	}
	return t
}

// plan is a world to simulate.
type plan struct {
	seed           uint64
	nodes, targets int
	long           time.Duration
	every          time.Duration
	p              float64       // a look fails for no reason
	skew           time.Duration // clocks are up to so far off
	calm           bool          // nothing but real outages happens
	outages        time.Duration // between two of a target; 0 = there are none
	// liar is what some voters of each target say instead, and how many.
	liars int
	lie   look.Class
	// cut says whether one node, or a target's host, reaches another; nil = always.
	cut func(at time.Duration, from, to int) bool
}

// world is a running simulation.
type world struct {
	plan
	t       *testing.T
	r       *rand.Rand
	start   time.Time
	nodes   []*node
	targets []*thing
	looks   int // for votes

	tells func(to *node, n News)            // hears what is shown; may be nil
	hears func(by *node, v verdict.Verdict) // hears every change; may be nil

	mu      sync.Mutex
	letters []letter
	sent    []letter // what came, to tell again
	entries int64
}

// letter is a logbook entry under way.
type letter struct {
	at time.Time
	to *node
	e  logbook.Entry
}

type node struct {
	w            *world
	i            int
	id           core.MemberID
	key          ed25519.PublicKey
	skew         time.Duration
	provider     string
	e            *Engine
	offline      times
	sick         times
	isolated     times
	stop         func()
	doom         int // so many writes until it dies; 0 = it does not
	dead         bool
	isolatedFrom time.Duration
}

// thing is one target, with the truth about it.
type thing struct {
	target.Target
	home   *node
	down   times
	hangs  bool
	bursts map[int]times // by node
	parted map[string]times
	liars  map[core.MemberID]bool
	found  []change // as the owner was told
}

type change struct {
	at time.Duration
	v  verdict.Verdict
}

func newWorld(t *testing.T, p plan) *world {
	time.Sleep(time.Hour) // fake time begins at the first moment of a century
	w := &world{plan: p, t: t, r: rand.New(rand.NewPCG(p.seed, 7)), start: time.Now()}
	for i := range p.nodes {
		n := &node{w: w, i: i, id: core.MemberID(fmt.Sprintf("chaton-%02d.test", i)), provider: fmt.Sprint("site ", i)}
		key := sha256.Sum256([]byte(n.id))
		n.key = key[:]
		switch {
		case p.calm:
		case i < 7*p.nodes/20:
			n.provider = "big"
		case i < 11*p.nodes/20:
			n.provider = "second"
		}
		if p.skew > 0 {
			n.skew = time.Duration(w.r.Int64N(int64(2*p.skew))) - p.skew
		}
		if !p.calm {
			n.offline = happens(w.r, p.long, 15*24*time.Hour, 10*time.Minute)
			n.sick = happens(w.r, p.long, 20*24*time.Hour, 30*time.Minute)
		}
		w.nodes = append(w.nodes, n)
	}
	for i := range p.targets {
		home := w.nodes[i%p.nodes]
		x := &thing{home: home, hangs: i%2 == 0, bursts: map[int]times{}, parted: map[string]times{}, liars: map[core.MemberID]bool{}}
		x.Target = target.Target{ID: fmt.Sprintf("%016x", i), Owner: home.id, Service: "Pad", Kind: target.HTTP, Address: "https://pad.test", Every: p.every}
		x.down = happens(w.r, p.long-time.Hour, p.outages, 15*time.Minute)
		if !p.calm {
			for n := range p.nodes {
				x.bursts[n] = happens(w.r, p.long, 10*24*time.Hour, 2*time.Minute)
			}
			for _, provider := range []string{"big", "second"} {
				x.parted[provider] = happens(w.r, p.long, 10*24*time.Hour, 10*time.Minute)
			}
		}
		w.targets = append(w.targets, x)
	}
	for _, n := range w.nodes {
		n.begin()
	}
	return w
}

func (w *world) at() time.Duration { return time.Since(w.start) }

func (n *node) begin() {
	n.e = New(Needs{
		Signer: quickSigner{n.id, n.key}, Book: n, Looks: n, Members: n, Calls: n,
		Targets: func(context.Context) ([]target.Target, error) {
			var all []target.Target
			for _, x := range n.w.targets {
				all = append(all, x.Target)
			}
			return all, nil
		},
		Changed: n.changed,
		Isolated: func(_ context.Context, is bool, _ core.Moment) {
			if n.isolatedFrom = max(n.isolatedFrom, 1); is {
				n.isolatedFrom = n.w.at()
			} else {
				n.isolated = append(n.isolated, [2]time.Duration{n.isolatedFrom, n.w.at()})
			}
		},
		Now: func() time.Time { return time.Now().Add(n.skew) }, Log: slog.New(slog.DiscardHandler),
	})
	n.e.facts, n.e.proves = mortal{newMemoryLedger(), n}, quickProves
}

// launch runs the engine until the node is stopped.
func (n *node) launch(ctx context.Context) (stop func()) {
	ctx, stop = context.WithCancel(ctx)
	e := n.e
	if err := e.Start(ctx); err != nil {
		n.w.t.Error(err)
	}
	go func() { _ = e.Run(ctx) }()
	return stop
}

// restart kills the engine where it stands, and begins a new one from what is stored.
func (n *node) restart(ctx context.Context) {
	n.stop()
	facts := n.e.facts
	n.dead, n.doom = false, 0
	n.begin()
	n.e.facts = facts
	n.stop = n.launch(ctx)
	for _, l := range n.w.sent { // the logbook tells at least once
		if l.to == n {
			n.w.letters = append(n.w.letters, l)
		}
	}
}

func (n *node) changed(_ context.Context, _, after verdict.Verdict) error {
	if n.w.hears != nil {
		n.w.hears(n, after)
	}
	for _, x := range n.w.targets {
		if x.Owner == after.Owner && x.ID == after.Target && x.home == n {
			x.found = append(x.found, change{n.w.at(), after})
		}
	}
	return nil
}

// reaches says whether a node's packets come to another, or to the host of a target.
func (w *world) reaches(from, to int) bool {
	at := w.at()
	return !w.nodes[from].dead && !w.nodes[to].dead && !w.nodes[from].offline.at(at) && !w.nodes[to].offline.at(at) && (w.cut == nil || !w.cut(at, from, to))
}

// look is what a node finds at a target now, and how long that takes.
func (n *node) look(x *thing, vote bool) (look.Result, time.Duration) {
	at, w := n.w.at(), n.w
	r := look.Result{At: core.At(time.Now().Add(n.skew)), Family: 4, Latency: 50 * time.Millisecond}
	if x.liars[n.id] && !n.offline.at(at) {
		r.Class = w.lie
		return r, 0
	}
	chance := w.chance(n.i, x.ID, at)
	switch {
	case x.down.at(at):
		r.Class, r.Latency = look.Refused, 1200*time.Millisecond
		if x.hangs {
			r.Class, r.Latency = look.Timeout, 10*time.Second
		}
	case chance, n.offline.at(at), n.sick.at(at), x.bursts[n.i].at(at), x.parted[n.provider].at(at):
		r.Class, r.Latency = look.Timeout, 3*time.Second
	case w.cut != nil && w.cut(at, n.i, x.home.i):
		r.Class, r.Latency = look.Timeout, 10*time.Second
	}
	if vote {
		r.Latency = min(r.Latency, 4*time.Second)
	}
	return r, r.Latency
}

// chance says whether a look fails for no reason: drawn from what is looked at by whom and
// when, so that the order in which goroutines run changes nothing.
func (w *world) chance(node int, id string, at time.Duration) bool {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, w.seed, node, id, at)
	return rand.New(rand.NewPCG(h.Sum64(), w.seed)).Float64() < w.p
}

// Ask implements Looks.
func (n *node) Ask(_ context.Context, t target.Target) (look.Result, bool) {
	for _, x := range n.w.targets {
		if x.ID == t.ID {
			n.w.mu.Lock()
			n.w.looks++
			n.w.mu.Unlock()
			r, long := n.look(x, true)
			time.Sleep(long)
			return r, true
		}
	}
	return look.Result{}, false
}

// Fit implements Looks.
func (n *node) Fit() schedule.Fitness { return schedule.Fitness{Fit: true} }

// Append implements Book: the entry comes to the others within minutes.
func (n *node) Append(_ context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (logbook.Entry, error) {
	text, err := wire.Encode(body)
	if err != nil {
		return logbook.Entry{}, err
	}
	w := n.w
	if n.dies() {
		return logbook.Entry{}, errDead
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries++
	e := logbook.Entry{Log: n.id, Index: w.entries, Typ: typ, Iat: core.At(time.Now().Add(n.skew)), Body: text}
	e.Hash = sha256.Sum256(fmt.Appendf(nil, "%s %d %s", n.id, e.Index, text))
	for _, to := range w.nodes {
		late := time.Duration(1+w.r.IntN(8)) * time.Minute
		if w.at() < time.Second {
			late = 0
		}
		w.letters = append(w.letters, letter{time.Now().Add(late), to, e})
	}
	return e, nil
}

var errCut = errors.New("no answer")

func (n *node) call(ctx context.Context, to core.MemberID) (*node, error) {
	i := slices.IndexFunc(n.w.nodes, func(o *node) bool { return o.id == to })
	if i < 0 || !n.w.reaches(n.i, i) {
		pause(ctx, time.Minute)
		return nil, errCut
	}
	return n.w.nodes[i], nil
}

// Vote implements Calls.
func (n *node) Vote(ctx context.Context, to core.MemberID, a verdict.Ask) (verdict.Vote, error) {
	o, err := n.call(ctx, to)
	if err != nil {
		return verdict.Vote{}, err
	}
	return o.e.Answer(ctx, n.id, a)
}

// Tell implements Calls.
func (n *node) Tell(ctx context.Context, to core.MemberID, news News) error {
	o, err := n.call(ctx, to)
	if err != nil {
		return err
	}
	if n.w.tells != nil {
		n.w.tells(o, news)
	}
	return o.e.Hear(ctx, n.id, news)
}

// Alive implements Calls.
func (n *node) Alive(ctx context.Context, to core.MemberID) error {
	_, err := n.call(ctx, to)
	return err
}

// Lenders implements Members: everybody looks at everybody.
func (n *node) Lenders(context.Context) (all []core.Lender, err error) {
	for _, o := range n.w.nodes {
		if o != n {
			all = append(all, core.Lender{ID: o.id, Site: o.provider})
		}
	}
	return all, nil
}

// Owners implements Members.
func (n *node) Owners(context.Context) (all []verdict.Watched, err error) {
	for _, o := range n.w.nodes {
		if o != n {
			all = append(all, verdict.Watched{Member: o.id, Every: 10})
		}
	}
	return all, nil
}

// Known implements Members.
func (n *node) Known(context.Context) (all []core.MemberID, err error) {
	for _, o := range n.w.nodes {
		all = append(all, o.id)
	}
	return all, nil
}

// Place implements Members.
func (n *node) Place(_ context.Context, m core.MemberID) (site, prefix string) {
	if m == n.id {
		return n.provider, ""
	}
	return "", ""
}

// Keys implements Members.
func (n *node) Keys(_ context.Context, m core.MemberID) ([]ed25519.PublicKey, error) {
	key := sha256.Sum256([]byte(m))
	return []ed25519.PublicKey{key[:]}, nil
}
