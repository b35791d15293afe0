package vault

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// reserve is the part of a pledge, in bytes, that data files leave free: a prune
// writes a new index before it removes anything, and must find room for it.
func reserve(pledge int64) int64 { return min(max(pledge/100, 1<<20), pledge/8) }

// roomFor lists lenders with the room they have for files of a type.
func roomFor(t rest.Type, lenders []shard.Candidate) []shard.Candidate {
	if t != rest.Data {
		return lenders
	}
	out := make([]shard.Candidate, len(lenders))
	for i, l := range lenders {
		l.Free -= reserve(l.Grant.Bytes)
		out[i] = l
	}
	return out
}

// fitting is how many failure domains have room for the shards of an object, when it
// is cut for that many: fewer domains mean larger shards.
func fitting(o catalogue.Object, held []catalogue.Placement, lenders []shard.Candidate) int {
	for d := reachable(held, lenders, 1); d > 0; {
		n := reachable(held, lenders, catalogue.Cost(catalogue.CodeFor(o.File.Type, d).ShardSize(o.Sealed)))
		if n >= d {
			return d
		}
		d = n
	}
	return 0
}

// forecast is the room at the members once everything that waits has taken its part.
type forecast struct {
	lenders []shard.Candidate
	domains int                 // failure domains, whatever their room
	unfit   map[shard.Hash]bool // what waits and fits nowhere
	files   int64               // of these
	bytes   int64               // sealed
	least   int64               // room the smallest of them asks of one member
}

// forecast places in mind what waits. Members that are away count with their room: that
// they are away is another trouble. strict keeps a member that said it is full for full
// until it took something as large; else only until it is asked again.
func (r *Room) forecast(ctx context.Context, strict bool) (*forecast, error) {
	lenders, err := r.pool.rooms(ctx, strict)
	if err != nil {
		return nil, err
	}
	waiting, err := r.store.Queue.Waiting(ctx)
	if err != nil || len(lenders) == 0 {
		return &forecast{}, err
	}
	placed, err := r.store.Placements.OfWaiting(ctx)
	if err != nil {
		return nil, err
	}
	held := map[shard.Hash][]catalogue.Placement{}
	for _, p := range placed {
		held[p.Object] = append(held[p.Object], p)
	}
	f := &forecast{lenders: lenders, domains: reachable(nil, lenders, minRoom), unfit: map[shard.Hash]bool{}}
	for _, o := range waiting {
		if f.take(o, r.pool.relabel(append(held[o.ID], r.pool.inHand(o.ID)...))) {
			continue
		}
		f.unfit[o.ID] = true
		f.files++
		f.bytes += o.Sealed
		if size := f.shardSize(o); f.least == 0 || size < f.least {
			f.least = size
		}
	}
	return f, nil
}

// shardSize is the room an object asks of each of the members.
func (f *forecast) shardSize(o catalogue.Object) int64 {
	code := o.Code
	if code.K == 0 {
		code = catalogue.CodeFor(o.File.Type, f.domains)
	}
	return catalogue.Cost(code.ShardSize(o.Sealed))
}

// take gives an object its place, cut as it is or anew; false when it has none.
func (f *forecast) take(o catalogue.Object, held []catalogue.Placement) bool {
	lenders := roomFor(o.File.Type, f.lenders)
	if o.Code.K != 0 && f.place(o, o.Code, held, lenders) {
		return true
	}
	d := fitting(o, nil, lenders)
	if d < min(f.domains, 2) {
		return false
	}
	return f.place(o, catalogue.CodeFor(o.File.Type, d), nil, lenders)
}

func (f *forecast) place(o catalogue.Object, code shard.Code, held []catalogue.Placement, lenders []shard.Candidate) bool {
	have := catalogue.Effective(held)
	if have >= code.Enough() {
		return true
	}
	o.Code = code
	tasks := plan(o, held, lenders)
	if have+len(tasks) < code.Enough() {
		return false
	}
	for _, t := range tasks {
		for i := range f.lenders {
			if f.lenders[i].ID == t.Lender.ID {
				f.lenders[i].Free -= catalogue.Cost(code.ShardSize(o.Sealed))
			}
		}
	}
	return true
}

// NoRoom says that files fit nowhere at the members.
type NoRoom struct {
	Since   core.Moment  `json:"since_us"`
	Files   int64        `json:"files"` // that wait here and fit nowhere; 0 = restic was refused, nothing waits
	Bytes   int64        `json:"bytes"` // sealed
	Members []FullMember `json:"members"`
}

// FullMember is a member without room for what waits.
type FullMember struct {
	Member core.MemberID `json:"member"`
	Pledge int64         `json:"pledge_bytes"`
	Left   int64         `json:"left_bytes"` // of the pledge, by our count
	Full   bool          `json:"refused"`    // it refused a shard as large
}

// noteNoRoom is there from the moment something fits nowhere until there is room for
// it: since when, the sealed bytes of what was refused, its type.
const noteNoRoom = "no_room"

type noRoomNote struct {
	since core.Moment
	size  int64
	kind  rest.Type
}

func (r *Room) readNoRoom(ctx context.Context) (n noRoomNote, set bool, err error) {
	text, err := r.store.Notes.Get(ctx, noteNoRoom)
	if err != nil || text == "" {
		return n, false, err
	}
	if _, err := fmt.Sscan(text, &n.since, &n.size, &n.kind); err != nil {
		return n, false, fmt.Errorf("read the note %s: %w", noteNoRoom, err)
	}
	return n, true, nil
}

// beginNoRoom notes that there is no room, once, and says so in the log.
func (r *Room) beginNoRoom(ctx context.Context, o catalogue.Object, f *forecast) error {
	note, set, err := r.readNoRoom(ctx)
	if err != nil || set && note.size >= o.Sealed {
		return err
	}
	if !set {
		note.since = core.At(r.n.Now())
		r.n.Log.Warn("no room left at the members", "members", f.full(), "files_waiting", f.files, "bytes_waiting", f.bytes)
	}
	return r.store.Notes.Set(ctx, noteNoRoom, fmt.Sprintln(int64(note.since), o.Sealed, o.File.Type))
}

// watchRoom begins and ends the time without room.
func (r *Room) watchRoom(ctx context.Context) error {
	f, err := r.forecast(ctx, true)
	if err != nil {
		return err
	}
	if f.files > 0 {
		return r.beginNoRoom(ctx, catalogue.Object{File: rest.Handle{Type: rest.Data}}, f)
	}
	note, set, err := r.readNoRoom(ctx)
	if err != nil || !set || note.size > 0 && !f.take(catalogue.Object{File: rest.Handle{Type: note.kind}, Sealed: note.size}, nil) {
		return err
	}
	r.n.Log.Info("there is room at the members again", "without_since", note.since.Time())
	r.mu.Lock()
	r.widened = 0 // what was cut for fewer members meanwhile is given to more
	r.mu.Unlock()
	return r.store.Notes.Set(ctx, noteNoRoom, "")
}

// noRoom answers what is known of missing room; nil when there is room.
func (r *Room) noRoom(ctx context.Context) (*NoRoom, error) {
	f, err := r.forecast(ctx, true)
	if err != nil {
		return nil, err
	}
	note, set, err := r.readNoRoom(ctx)
	if err != nil || !set && f.files == 0 {
		return nil, err
	}
	if !set {
		note.since = core.At(r.n.Now())
	}
	if f.files == 0 {
		f.least = f.shardSize(catalogue.Object{File: rest.Handle{Type: note.kind}, Sealed: note.size})
	}
	return &NoRoom{note.since, f.files, f.bytes, r.pool.without(f)}, nil
}

// names lists the members without room.
func (n *NoRoom) names() string {
	ids := make([]core.MemberID, 0, len(n.Members))
	for _, m := range n.Members {
		ids = append(ids, m.Member)
	}
	return joined(ids)
}

// full names the members without room for what waits.
func (f *forecast) full() string {
	var ids []core.MemberID
	for _, l := range roomFor(rest.Data, f.lenders) {
		if l.Free < max(f.least, 1) {
			ids = append(ids, l.ID)
		}
	}
	return joined(ids)
}

// without lists the members of a forecast that have no room.
func (p *pool) without(f *forecast) []FullMember {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []FullMember{}
	for _, l := range roomFor(rest.Data, f.lenders) {
		if l.Free < max(f.least, 1) {
			out = append(out, FullMember{l.ID, l.Grant.Bytes, max(l.Grant.Bytes-p.used[l.ID], 0), p.states[l.ID].Full > 0})
		}
	}
	return out
}

// rooms lists all lenders with the room they have, whether they answer or not.
func (p *pool) rooms(ctx context.Context, strict bool) ([]shard.Candidate, error) {
	if err := p.refresh(ctx); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := core.At(p.n.Now())
	var out []shard.Candidate
	for _, l := range p.lenders {
		c := shard.Candidate{Lender: l, Free: l.Grant.Bytes - p.used[l.ID]}
		if s := p.states[l.ID]; s.Full > 0 && (strict || s.Next > now) {
			c.Free = min(c.Free, s.Full-1)
		}
		out = append(out, c)
	}
	return out, nil
}

// arrivals are files on their way from restic that have no row yet: each was promised
// room, so the next one may not be promised the same. The zero value has none.
type arrivals struct {
	sync.Mutex
	files map[*catalogue.Object]bool
}

// admit promises a file room, or refuses what fits nowhere before a byte of it is taken,
// and an index or a snapshot that would wait for something that fits nowhere. The caller
// calls done when the file has a row, or will have none. Returns CodeFull.
func (r *Room) admit(ctx context.Context, o catalogue.Object) (done func(), err error) {
	r.arrivals.Lock()
	defer r.arrivals.Unlock()
	f, err := r.forecast(ctx, false)
	if err != nil {
		return nil, err
	}
	together := int64(0)
	for other := range r.arrivals.files {
		f.take(*other, nil)
		together += other.Sealed
	}
	if len(f.lenders) > 0 {
		if err := r.hasRoom(ctx, &o, f, together); err != nil {
			return nil, err
		}
	}
	if r.arrivals.files == nil {
		r.arrivals.files = map[*catalogue.Object]bool{}
	}
	r.arrivals.files[&o] = true
	return func() {
		r.arrivals.Lock()
		defer r.arrivals.Unlock()
		delete(r.arrivals.files, &o)
	}, nil
}

// hasRoom is admit with a forecast. together is how many bytes came beside the file: who
// is refused breaks the others off too, and there is room again only for all of them.
func (r *Room) hasRoom(ctx context.Context, o *catalogue.Object, f *forecast, together int64) error {
	o.Sealed = sealedSize(o.Size)
	if !f.take(*o, nil) {
		o.Sealed += together
		if f.least == 0 {
			f.least = f.shardSize(*o)
		}
		return r.refuseFull(ctx, *o, f)
	}
	if !catalogue.Committed(o.File.Type) {
		return nil
	}
	needed, err := r.store.Queue.Needed(ctx, *o, r.locks.began(o.Repo))
	if err != nil {
		return err
	}
	return r.fits(ctx, *o, needed, f)
}

// fits says whether everything an object waits for has room. Returns CodeFull.
func (r *Room) fits(ctx context.Context, o catalogue.Object, needed []shard.Hash, f *forecast) error {
	for _, id := range needed {
		if f.unfit[id] {
			return r.refuseFull(ctx, o, f)
		}
	}
	return nil
}

// refuseFull is what restic is told while there is no room.
func (r *Room) refuseFull(ctx context.Context, o catalogue.Object, f *forecast) error {
	if err := r.beginNoRoom(ctx, o, f); err != nil {
		r.n.Log.Warn("noting that there is no room failed", "error", err)
	}
	return core.Full("vault.pool_full", errors.New("no room at the members")).
		With("Members", f.full()).With("Size", core.Size(f.bytes))
}

// sealedSize is about what a file of so many bytes measures as an age file to two
// recipients; never less.
func sealedSize(plain int64) int64 { return plain + (plain/chunk+1)*16 + 512 }
