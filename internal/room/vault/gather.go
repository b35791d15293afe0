package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/shard"
)

const (
	// hedgeAfter is how long a shard may take before one more is asked for
	// elsewhere; longer where members have been slower than that.
	hedgeAfter = 2 * time.Second
	// gatherLimit ends the wait for a member that neither answers nor refuses.
	gatherLimit = 2 * time.Minute
)

// gather reads a sealed object back from the members into borrowed memory, which
// has the code's parity room behind it. Members that fail, lie or dawdle are
// noted and others asked. Returns CodeUnsure when too few answer.
func (r *Room) gather(ctx context.Context, o Object) ([]byte, *lease, error) {
	all, err := r.store.placements(ctx, o.ID)
	if err != nil {
		return nil, nil, err
	}
	held := onlyHeld(all)
	if o.Code.K <= 1 {
		o.Code = shard.Code{K: 1, N: 1} // copies: any one is the object
	}
	spare := max(o.Code.ParitySize(o.Sealed), o.Code.ShardSize(o.Sealed))
	l, err := r.arena.take(ctx, o.Code.Padded(o.Sealed)+spare)
	if err != nil {
		return nil, nil, err
	}
	for {
		g := &gathering{room: r, o: o, buf: l.buf, sources: r.rank(held)}
		err := g.run(ctx)
		if err == nil {
			var sealed []byte
			if sealed, err = g.join(); err == nil && shard.ObjectID(sealed) == o.ID {
				return l.buf, l, nil
			}
			held, err = g.blame(ctx, held, err)
		}
		if err != nil {
			l.free()
			return nil, nil, err
		}
	}
}

// rank orders placements: members that are well first, then shards that need no
// decoding.
func (r *Room) rank(held []Placement) []Placement {
	out := slices.Clone(held)
	failing := map[core.MemberID]int{}
	for _, p := range out {
		if r.pool.failing(p.Member) {
			failing[p.Member] = 1
		}
	}
	slices.SortStableFunc(out, func(a, b Placement) int {
		return cmp.Or(cmp.Compare(failing[a.Member], failing[b.Member]), cmp.Compare(a.Index, b.Index))
	})
	return out
}

// gathering is one attempt to read enough shards.
type gathering struct {
	room    *Room
	o       Object
	buf     []byte
	sources []Placement // those not asked yet

	have    [][]byte // by index
	from    []Placement
	spares  [][]byte
	running map[int]Placement // by ticket
	answers chan answer
	tickets int
	failed  []error
}

// answer is how one request for a shard ended.
type answer struct {
	ticket int
	index  int
	buf    []byte
	spare  bool
	err    error
}

// run asks K members at once and one more for each that fails or is slow, until K
// shards are there. When it returns nothing writes to the buffer any more.
func (g *gathering) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, gatherLimit)
	defer cancel()
	slots, err := g.o.Code.Slots(g.buf, g.o.Sealed)
	if err != nil {
		return err
	}
	g.have, g.from = make([][]byte, g.o.Code.N), make([]Placement, g.o.Code.N)
	g.running, g.answers = map[int]Placement{}, make(chan answer)
	size := g.o.Code.ShardSize(g.o.Sealed)
	for rest := g.buf[g.o.Code.Padded(g.o.Sealed):]; int64(len(rest)) >= size; rest = rest[size:] {
		g.spares = append(g.spares, rest[:size:size])
	}
	defer func() {
		cancel()
		for range len(g.running) {
			g.took(ctx, <-g.answers)
		}
	}()
	for range g.o.Code.K {
		g.ask(ctx, slots)
	}
	patience := g.room.patience()
	hedge := time.NewTicker(patience)
	defer hedge.Stop()
	for g.count() < g.o.Code.K {
		if len(g.running) == 0 {
			return g.tooFew()
		}
		select {
		case a := <-g.answers:
			if g.took(ctx, a) != nil {
				g.ask(ctx, slots)
			}
		case <-hedge.C:
			g.blameSlow(ctx, patience)
			g.ask(ctx, slots)
		case <-ctx.Done():
			return g.tooFew()
		}
	}
	return nil
}

func (g *gathering) count() int {
	n := 0
	for _, h := range g.have {
		if h != nil {
			n++
		}
	}
	return n
}

// ask begins to read the next shard that is neither here nor on its way, if there
// is one and room for it.
func (g *gathering) ask(ctx context.Context, slots [][]byte) {
	for i, p := range g.sources {
		index := g.place(p)
		if index >= len(g.have) || g.have[index] != nil || g.o.Code.K > 1 && g.underWay(index) {
			continue
		}
		a := answer{index: index}
		switch {
		case index < g.o.Code.K && !g.underWay(index):
			a.buf = slots[index]
		case len(g.spares) > 0:
			a.buf, a.spare = g.spares[len(g.spares)-1], true
			g.spares = g.spares[:len(g.spares)-1]
		default:
			return
		}
		g.sources = slices.Delete(g.sources, i, i+1)
		g.tickets++
		a.ticket = g.tickets
		g.running[a.ticket] = p
		go func() {
			began := g.room.n.Now()
			a.err = g.room.read(ctx, p, a.buf)
			if a.err == nil {
				g.room.took(g.room.n.Now().Sub(began))
			}
			g.answers <- a
		}()
		return
	}
}

// place is where a placement's shard goes: copies all go to the first place.
func (g *gathering) place(p Placement) int {
	if g.o.Code.K == 1 {
		return 0
	}
	return p.Index
}

func (g *gathering) underWay(index int) bool {
	for _, p := range g.running {
		if g.place(p) == index {
			return true
		}
	}
	return false
}

// took files an answer and says what was wrong with it.
func (g *gathering) took(ctx context.Context, a answer) error {
	p := g.running[a.ticket]
	delete(g.running, a.ticket)
	if a.err != nil || g.have[a.index] != nil {
		if a.spare {
			g.spares = append(g.spares, a.buf)
		}
		// What we cut off ourselves is nobody's fault.
		if a.err != nil && ctx.Err() == nil {
			g.failed = append(g.failed, a.err)
			g.room.blame(ctx, p, a.err)
		}
		return a.err
	}
	g.have[a.index], g.from[a.index] = a.buf, p
	g.room.pool.good(ctx, p.Member)
	return nil
}

// blameSlow notes the members that have not given their shard in time, so that
// the next object is asked of others first.
func (g *gathering) blameSlow(ctx context.Context, patience time.Duration) {
	for _, p := range g.running {
		if !g.room.pool.failing(p.Member) {
			g.room.blame(ctx, p, core.Unsure("vault.member_slow", fmt.Errorf("shard not here after %s", patience)))
		}
	}
}

func (g *gathering) tooFew() error {
	return core.Unsure("vault.too_few_answer", fmt.Errorf("%s of %s: %d of %d shards: %w",
		g.o.File, g.o.Repo, g.count(), g.o.Code.K, errors.Join(g.failed...))).
		With("Name", g.o.Repo).With("Have", g.count()).With("Want", g.o.Code.K)
}

func (g *gathering) join() ([]byte, error) {
	return g.o.Code.Join(g.buf, g.o.Sealed, g.have)
}

// blame finds the shards that are not what the catalogue says, after an object
// that does not hold was joined, and answers the placements that are left.
func (g *gathering) blame(ctx context.Context, held []Placement, cause error) ([]Placement, error) {
	var wrong []Placement
	for i, data := range g.have {
		if data != nil && shard.SumsOf(data).Root != g.from[i].Root {
			wrong = append(wrong, g.from[i])
			g.room.blame(ctx, g.from[i], core.Invalid("vault.peer_wrong_bytes", errors.New("not the bytes it signed for")))
		}
	}
	if len(wrong) == 0 {
		return nil, core.Internal("vault.catalogue_wrong", fmt.Errorf("object %s does not join: %w", g.o.ID, cause))
	}
	return slices.DeleteFunc(slices.Clone(held), func(p Placement) bool {
		return slices.ContainsFunc(wrong, func(w Placement) bool { return w.Member == p.Member && w.Index == p.Index })
	}), nil
}

// read fills buf with one shard's data, to its end: a remote holder's last read
// says whether the data is what the root says.
func (r *Room) read(ctx context.Context, p Placement, buf []byte) (err error) {
	ref := holder.Ref{Owner: r.n.Signer.ID(), Object: p.Object, Index: p.Index, Root: p.Root, Length: p.Length}
	body, err := r.n.Holder(p.Member).Get(ctx, ref, 0, -1)
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // read to its end
	if _, err := io.ReadFull(body, buf); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
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

// blame notes what was wrong with a shard. One that is lost or wrong no longer
// counts, and its object gets work again.
func (r *Room) blame(ctx context.Context, p Placement, cause error) {
	ctx = context.WithoutCancel(ctx)
	t := troubleOf(p.Member, p, cause)
	r.pool.bad(ctx, t)
	state := Lost
	switch t.Kind {
	case troubleWrong:
		state = Wrong
	case troubleLost:
	default:
		return
	}
	if err := r.unplace(ctx, p, state); err != nil {
		r.n.Log.Error("noting a lost shard failed", "object", p.Object.String(), "error", err)
	}
}

// unplace no longer counts a shard, and lets ship make it again.
func (r *Room) unplace(ctx context.Context, p Placement, state PlacementState) error {
	now := core.At(r.n.Now())
	if err := r.store.markPlacement(ctx, p, state, now); err != nil {
		return err
	}
	o, err := r.store.object(ctx, p.Object)
	if err != nil {
		return err
	}
	all, err := r.store.placements(ctx, p.Object)
	if err != nil {
		return err
	}
	if err := r.store.setState(ctx, o.ID, stateOf(o.Code, effective(onlyHeld(all))), now); err != nil {
		return err
	}
	r.work.broadcast()
	return nil
}

// patience is how long a shard may take before another is asked for: two seconds,
// or three times what they have lately taken.
func (r *Room) patience() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(hedgeAfter, 3*r.pace)
}

// took feeds patience with the time a shard took.
func (r *Room) took(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pace += (d - r.pace) / 8
}
