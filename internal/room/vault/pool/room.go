package pool

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// margin is the part of a pledge, in bytes, that data files leave free: a prune
// writes a new index before it removes anything, and must find room for it.
func margin(pledge int64) int64 { return min(max(pledge/100, 1<<20), pledge/8) }

// RoomFor lists lenders with the room they have for files of a type.
func RoomFor(t rest.Type, lenders []shard.Candidate) []shard.Candidate {
	if t != rest.Data {
		return lenders
	}
	out := make([]shard.Candidate, len(lenders))
	for i, l := range lenders {
		l.Free -= margin(l.Grant.Amount(holder.FieldBytes))
		out[i] = l
	}
	return out
}

// Fitting is how many failure domains have room for the shards of an object, when it
// is encoded for that many: fewer domains mean larger shards.
func Fitting(o catalogue.Object, stored []catalogue.Placement, lenders []shard.Candidate) int {
	for d := Reachable(stored, lenders, 1); d > 0; {
		n := Reachable(stored, lenders, catalogue.Cost(catalogue.CodeFor(o.File.Type, d).ShardSize(o.Sealed)))
		if n >= d {
			return d
		}
		d = n
	}
	return 0
}

// Forecast is the room at the members once everything that waits has taken its part.
type Forecast struct {
	Lenders []shard.Candidate
	domains int                 // failure domains, whatever their room
	unfit   map[shard.Hash]bool // what waits and fits nowhere
	files   int64               // of these
	bytes   int64               // sealed
	least   int64               // room the smallest of them asks of one member
}

// Forecast places in mind what waits. Members that are away count with their room: that
// they are away is another trouble. strict keeps a member that said it is full for full
// until it took something as large; else only until it is asked again.
func (p *Pool) Forecast(ctx context.Context, strict bool) (*Forecast, error) {
	lenders, err := p.rooms(ctx, strict)
	if err != nil {
		return nil, err
	}
	waiting, err := p.Store.Queue.Waiting(ctx)
	if err != nil || len(lenders) == 0 {
		return &Forecast{}, err
	}
	placed, err := p.Store.Placements.OfWaiting(ctx)
	if err != nil {
		return nil, err
	}
	stored := map[shard.Hash][]catalogue.Placement{}
	for _, one := range placed {
		stored[one.Object] = append(stored[one.Object], one)
	}
	f := &Forecast{Lenders: lenders, domains: Reachable(nil, lenders, AnyRoom), unfit: map[shard.Hash]bool{}}
	for _, o := range waiting {
		if f.Take(o, p.Relabel(append(stored[o.ID], p.Unwritten(o.ID)...))) {
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
func (f *Forecast) shardSize(o catalogue.Object) int64 {
	code := o.Code
	if code.K == 0 {
		code = catalogue.CodeFor(o.File.Type, f.domains)
	}
	return catalogue.Cost(code.ShardSize(o.Sealed))
}

// Take gives an object its place, encoded as it is or anew; false when it has none.
func (f *Forecast) Take(o catalogue.Object, stored []catalogue.Placement) bool {
	lenders := RoomFor(o.File.Type, f.Lenders)
	if o.Code.K != 0 && f.place(o, o.Code, stored, lenders) {
		return true
	}
	d := Fitting(o, nil, lenders)
	if d < min(f.domains, 2) {
		return false
	}
	return f.place(o, catalogue.CodeFor(o.File.Type, d), nil, lenders)
}

func (f *Forecast) place(o catalogue.Object, code shard.Code, stored []catalogue.Placement, lenders []shard.Candidate) bool {
	have := catalogue.Effective(stored)
	if have >= code.Enough() {
		return true
	}
	o.Code = code
	tasks := Plan(o, stored, lenders)
	if have+len(tasks) < code.Enough() {
		return false
	}
	for _, t := range tasks {
		for i := range f.Lenders {
			if f.Lenders[i].ID == t.Lender.ID {
				f.Lenders[i].Free -= catalogue.Cost(code.ShardSize(o.Sealed))
			}
		}
	}
	return true
}

// without lists the members of a forecast that have no room.
func (p *Pool) without(f *Forecast) []FullMember {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []FullMember{}
	for _, l := range RoomFor(rest.Data, f.Lenders) {
		if l.Free < max(f.least, 1) {
			out = append(out, FullMember{l.ID, l.Grant.Amount(holder.FieldBytes), max(l.Grant.Amount(holder.FieldBytes)-p.used[l.ID], 0), p.states[l.ID].Full > 0})
		}
	}
	return out
}

// rooms lists all lenders with the room they have, whether they answer or not.
func (p *Pool) rooms(ctx context.Context, strict bool) ([]shard.Candidate, error) {
	if err := p.refresh(ctx); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := core.At(p.Now())
	var out []shard.Candidate
	for _, l := range p.lenders {
		c := shard.Candidate{Lender: l, Free: l.Grant.Amount(holder.FieldBytes) - p.used[l.ID]}
		if s := p.states[l.ID]; s.Full > 0 && (strict || s.Next > now) {
			c.Free = min(c.Free, s.Full-1)
		}
		out = append(out, c)
	}
	return out, nil
}
