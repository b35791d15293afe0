package retrieve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/encoding"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/shard"
)

// A shard is waited for as long as it gets on, however long that takes: a line that
// may save must be able to restore. That it ends the peer kit sees to, by its rule of progress.
// Here others are asked beside a member that is slow, and nothing is cut off for it.
const (
	// look is how often a gathering looks at how its shards get on.
	look = 2 * time.Second
	// least is how many bytes a shard brings from one look to the next, or its member
	// is noted as too slow.
	least = 1 << 10
	// How many times slower than the best of the same object a member is when another is
	// asked beside it, if its rest would take more looks than patienceLooks.
	slower        = 8
	patienceLooks = 5
)

// Gather reads a sealed object back from the members into a scratch file, which the
// caller closes. Members that fail, lie or dawdle are noted and others asked. Shards that
// came whole are left for the next try when there are too few. Returns CodeUnsure then.
func (r *Retriever) Gather(ctx context.Context, o catalogue.Object) (_ *local.Temp, err error) {
	all, err := r.Store.Placements.Of(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	// What was lost may be back, or we were wrong about it: asked last, never left out.
	stored := slices.DeleteFunc(all, func(p catalogue.Placement) bool { return p.State == catalogue.Wrong || r.LeftOut(p.Member) })
	if o.Code = catalogue.Fitted(o, stored); o.Code.K <= 1 {
		o.Code = shard.Code{K: 1, N: 1} // copies: any one is the object
	}
	f, err := local.NewTemp(r.Dir)
	if err != nil {
		return nil, err
	}
	for {
		g := &gathering{by: r, o: o, size: o.Code.ShardSize(o.Sealed), file: f, sources: r.rank(stored)}
		if err = g.run(ctx); err == nil {
			err = g.join()
		} else {
			g.storeParts()
		}
		if errors.Is(err, errNotIt) {
			stored, err = g.expose(ctx, stored)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		r.Parts.Drop(o.ID)
		return f, nil
	}
}

// errNotIt says that what was joined is not the object.
var errNotIt = errors.New("not the object")

// rank orders placements: those that count first, of them members that are well, then
// shards that need no decoding.
func (r *Retriever) rank(stored []catalogue.Placement) []catalogue.Placement {
	out := slices.Clone(stored)
	doubt := func(p catalogue.Placement) int {
		switch {
		case p.State != catalogue.Stored:
			return 3
		case r.Pool.Failing(p.Member):
			return 2
		case r.Pool.Pace.Slow(p.Member):
			return 1
		}
		return 0
	}
	slices.SortStableFunc(out, func(a, b catalogue.Placement) int {
		return cmp.Or(cmp.Compare(doubt(a), doubt(b)), cmp.Compare(a.Index, b.Index))
	})
	return out
}

// gathering is one attempt to read enough shards. Each is written to the file, a
// data shard to its own place in the object, others behind it.
type gathering struct {
	by      *Retriever
	o       catalogue.Object
	size    int64 // of a shard
	file    *local.Temp
	sources []catalogue.Placement // those not asked yet

	have    []int64 // by index: where in the file; negative = not here
	from    []catalogue.Placement
	running map[int]*request // by ticket
	answers chan answer
	tickets int
	best    int64 // bytes between two looks, of the fastest
	failed  []error
}

// request is a shard on its way.
type request struct {
	catalogue.Placement
	to    io.Writer
	bytes atomic.Int64 // that came
	seen  int64        // of them, at the last look
	looks int64        // since it began
	slow  bool         // another was asked beside it
}

func (r *request) Write(p []byte) (int, error) {
	r.bytes.Add(int64(len(p)))
	return r.to.Write(p)
}

// answer is how one request for a shard ended.
type answer struct {
	ticket int
	index  int
	at     int64
	err    error
}

// run asks for the shards that are not here, as many members at once as it takes, and
// one more for each that fails or is slow, until K shards are there. When it returns nothing
// writes to the file any more.
func (g *gathering) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g.have, g.from = make([]int64, g.o.Code.N), make([]catalogue.Placement, g.o.Code.N)
	for i := range g.have {
		g.have[i] = -1
	}
	if err := g.takeParts(); err != nil {
		return err
	}
	g.running, g.answers = map[int]*request{}, make(chan answer)
	defer func() {
		cancel()
		for range len(g.running) {
			_ = g.end(ctx, <-g.answers) // noted where it was somebody's fault
		}
	}()
	for range g.o.Code.K - g.count() {
		g.ask(ctx)
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for g.count() < g.o.Code.K {
		if len(g.running) == 0 {
			return g.tooFew()
		}
		select {
		case a := <-g.answers:
			if g.end(ctx, a) != nil {
				g.ask(ctx)
			}
		case <-tick.C:
			g.askBesideSlow(ctx)
		case <-ctx.Done():
			return g.tooFew()
		}
	}
	return nil
}

func (g *gathering) count() int {
	n := 0
	for _, at := range g.have {
		if at >= 0 {
			n++
		}
	}
	return n
}

// ask begins to read the next shard that is neither here nor on its way, if there
// is one.
func (g *gathering) ask(ctx context.Context) {
	for i, p := range g.sources {
		index := g.place(p)
		if index >= len(g.have) || g.have[index] >= 0 || g.o.Code.K > 1 && g.underWay(index) {
			continue
		}
		g.tickets++
		a := answer{ticket: g.tickets, index: index, at: int64(index) * g.size}
		if index >= g.o.Code.K || g.underWay(index) {
			a.at = g.o.Code.Padded(g.o.Sealed) + int64(a.ticket)*g.size
		}
		g.sources = slices.Delete(g.sources, i, i+1)
		req := &request{Placement: p, to: io.NewOffsetWriter(g.file, a.at)}
		g.running[a.ticket] = req
		go func() {
			a.err = g.by.read(ctx, p, req, g.size)
			g.answers <- a
		}()
		return
	}
}

// place is where a placement's shard goes: copies all go to the first place.
func (g *gathering) place(p catalogue.Placement) int {
	if g.o.Code.K == 1 {
		return 0
	}
	return p.Index
}

func (g *gathering) underWay(index int) bool {
	for _, r := range g.running {
		if g.place(r.Placement) == index {
			return true
		}
	}
	return false
}

// end files an answer and says what was wrong with it.
func (g *gathering) end(ctx context.Context, a answer) error {
	p := g.running[a.ticket].Placement
	if a.err == nil {
		g.best = max(g.best, g.size/(g.running[a.ticket].looks+1))
	}
	delete(g.running, a.ticket)
	if a.err != nil {
		// What we cut off ourselves is nobody's fault.
		if ctx.Err() == nil {
			g.failed = append(g.failed, a.err)
			g.by.Pool.Blame(ctx, p, a.err)
		}
		return a.err
	}
	g.by.Pool.Good(ctx, p.Member)
	if p.State == catalogue.Lost {
		g.by.Pool.Believe(ctx, p, catalogue.Stored)
	}
	if g.have[a.index] < 0 {
		g.have[a.index], g.from[a.index] = a.at, p
	}
	return nil
}

// askBesideSlow asks another member for each that gets on too slowly. One below the
// least is noted for it; the next objects are asked of others first, in any case.
func (g *gathering) askBesideSlow(ctx context.Context) {
	now := make(map[*request]int64, len(g.running))
	for _, r := range g.running {
		n := r.bytes.Load()
		r.looks++
		now[r], r.seen = n-r.seen, n
		g.best = max(g.best, n/r.looks)
	}
	asked := 0
	for r, brought := range maps.All(now) {
		still := brought < least && r.seen < g.size
		if r.slow || !still && !g.behind(r) {
			continue
		}
		r.slow = true
		g.by.Pool.Pace.NoteSlow(r.Member)
		if still {
			g.by.Pool.Blame(ctx, r.Placement, core.Unsure("vault.member_slow", fmt.Errorf("%d bytes in %s", brought, look)))
		}
		asked++
	}
	for range asked {
		g.ask(ctx)
	}
}

// behind says whether a shard comes so much slower than the fastest of its object that
// another is worth asking for. Where all are slow it is our own line.
func (g *gathering) behind(r *request) bool {
	rate := r.seen / r.looks
	return rate*slower < g.best && (g.size-r.seen) > rate*patienceLooks
}

func (g *gathering) tooFew() error {
	cause := errors.Join(append([]error{fmt.Errorf("%s of %s: %d of %d shards", g.o.File, g.o.Repo, g.count(), g.o.Code.K)}, g.failed...)...)
	return core.Unsure("vault.too_few_answer", cause).
		With("Name", g.o.Repo).With("Have", g.count()).With("Want", g.o.Code.K)
}

// join makes the object of the shards that are here, in the file's front, and
// nothing else in it. Answers errNotIt when the object is not what its id says.
func (g *gathering) join() error {
	var err error
	if at := g.have[0]; g.o.Code.K == 1 && at > 0 {
		_, err = io.Copy(io.NewOffsetWriter(g.file, 0), io.NewSectionReader(g.file, at, g.size))
	} else if g.o.Code.K > 1 {
		err = encoding.Repair(g.file.File, g.o.Code, g.size, g.have)
	}
	if err != nil {
		return err
	}
	id, err := encoding.ObjectID(g.file, g.o.Sealed)
	if err != nil {
		return err
	}
	if id != g.o.ID {
		return errNotIt
	}
	return g.file.Truncate(g.o.Sealed)
}

// expose finds the shards that are not what the catalogue says, after an object
// that does not hold was joined, and answers the placements that are left.
func (g *gathering) expose(ctx context.Context, stored []catalogue.Placement) ([]catalogue.Placement, error) {
	var wrong []catalogue.Placement
	for i, at := range g.have {
		if at < 0 {
			continue
		}
		h := shard.NewRootHasher()
		if _, err := io.Copy(h, io.NewSectionReader(g.file, at, g.size)); err != nil {
			return nil, fmt.Errorf("hash shard: %w", err)
		}
		if h.Sums().Root != g.from[i].Root {
			wrong = append(wrong, g.from[i])
			g.by.Pool.Blame(ctx, g.from[i], core.Invalid("vault.peer_wrong_bytes", errors.New("not the bytes it signed for")))
		}
	}
	if len(wrong) == 0 {
		return nil, core.Internal("vault.catalogue_wrong", fmt.Errorf("object %s does not join", g.o.ID))
	}
	return slices.DeleteFunc(slices.Clone(stored), func(p catalogue.Placement) bool {
		return slices.ContainsFunc(wrong, func(w catalogue.Placement) bool { return w.Member == p.Member && w.Index == p.Index })
	}), nil
}

// read copies one shard's data to its end: a remote holder's last read says
// whether the data is what the root says.
func (r *Retriever) read(ctx context.Context, p catalogue.Placement, to io.Writer, size int64) error {
	ref := holder.Ref{Owner: r.Owner, Object: p.Object, Index: p.Index, Root: p.Root, Length: p.Length}
	body, err := r.Holder(p.Member).Get(ctx, ref, 0, -1)
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // read to its end
	if _, err := io.CopyN(to, body, size); err != nil {
		if errors.Is(err, io.EOF) {
			return core.Invalid("vault.peer_truncated", fmt.Errorf("shard ends early: %w", err)).With("Member", p.Member)
		}
		return err
	}
	var more [1]byte
	switch n, err := body.Read(more[:]); {
	case n > 0:
		return core.Invalid("vault.peer_wrong_bytes", errors.New("shard is longer than it was")).With("Member", p.Member)
	case err == nil || errors.Is(err, io.EOF):
		return nil
	default:
		return err
	}
}
