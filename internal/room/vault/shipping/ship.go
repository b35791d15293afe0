package shipping

import (
	"context"
	"errors"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/encoding"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

const (
	// shippers is how many objects are on their way at once.
	shippers = 4
	// shipTick is how often, in intervals, the catalogue is looked at when nothing woke us:
	// the command line may have put something there.
	shipTick = 2
	// rounds is how many times in a row other lenders are tried for the shards
	// that some did not take.
	rounds = 3
	// RecodeAfter is how many failed rounds an object waits for members that are
	// away before it is encoded for those that are there.
	RecodeAfter = 3
	// MaxWait bounds the pause between rounds.
	MaxWait = 5 * time.Minute
	// IdleWait bounds the same for what is safe and has nowhere to go: no member is left
	// to ask. A member that comes, or comes back, ends it.
	IdleWait = time.Hour
)

// Run sends what waits to the members until ctx ends.
func (r *Shipper) Run(ctx context.Context) error {
	var busy sync.WaitGroup
	defer busy.Wait()
	slots := make(chan struct{}, shippers)
	for ctx.Err() == nil {
		woken := r.Work.Next()
		started, err := r.startDue(ctx, slots, &busy)
		if err != nil {
			return err
		}
		if started {
			continue
		}
		timer := time.NewTimer(shipTick * r.Pool.Interval)
		select {
		case <-woken:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return nil
}

// startDue begins the due objects that nobody works on, waiting for a free slot.
func (r *Shipper) startDue(ctx context.Context, slots chan struct{}, busy *sync.WaitGroup) (started bool, err error) {
	r.mu.Lock()
	busyWith := len(r.claimed) // they may be due too
	r.mu.Unlock()
	due, err := r.Store.Queue.Due(ctx, core.At(r.Now()), busyWith+2*shippers)
	if err != nil {
		return false, err
	}
	for _, o := range due {
		if !r.claim(o.ID) {
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			r.unclaim(o.ID)
			return false, nil
		}
		started = true
		busy.Go(func() {
			defer r.unclaim(o.ID)
			leave := sync.OnceFunc(func() { <-slots })
			err := r.ShipOne(ctx, o.ID, leave)
			leave() // others go on while this one rests
			if err != nil && ctx.Err() == nil {
				r.Log.Error("placing an object failed", "object", o.ID.String(), "error", err)
			}
			r.restAfter(ctx, err)
		})
	}
	return started, nil
}

// restAfter waits, longer after each failure in a row, while the object is still
// claimed: when nothing can be written down, an object stays due,
// and would be tried again at once.
func (r *Shipper) restAfter(ctx context.Context, err error) {
	if err == nil {
		r.fails.Store(0)
		return
	}
	timer := time.NewTimer(min(r.Pool.Interval<<min(r.fails.Add(1), 12), MaxWait))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (r *Shipper) claim(id shard.Hash) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claimed[id] {
		return false
	}
	r.claimed[id] = true
	return true
}

// unclaim lets the object be taken again, and wakes ship to look for more.
func (r *Shipper) unclaim(id shard.Hash) {
	r.mu.Lock()
	delete(r.claimed, id)
	r.mu.Unlock()
	r.Work.Broadcast()
}

// ShipOne does what can be done for one object now and says when to try again. leave is
// called when others need not wait for it.
func (r *Shipper) ShipOne(ctx context.Context, id shard.Hash, leave func()) error {
	defer r.Pool.Written(id)
	o, err := r.Store.Objects.Get(ctx, id)
	if err != nil {
		return err
	}
	if o.Deleted != 0 || o.State == catalogue.Placed {
		return nil
	}
	all, err := r.Store.Placements.Of(ctx, o.ID)
	if err != nil {
		return err
	}
	stored, err := r.Pool.Counted(ctx, r.DB, all)
	if err != nil {
		return err
	}
	s := &Shipment{by: r, Object: o, Stored: stored, began: r.Now(), leave: leave}
	err = s.run(ctx)
	if ctx.Err() != nil || s.replaced {
		return errors.Join(ctx.Err(), err)
	}
	return errors.Join(s.settle(ctx), err)
}

// Shipment is one object on its way.
type Shipment struct {
	by       *Shipper
	Object   catalogue.Object
	Stored   []catalogue.Placement // that count
	began    time.Time
	leave    func() // others may go on beside this one; nil = nobody waits
	moved    bool   // something new was placed
	idle     bool   // nobody could be sent anything
	replaced bool   // another object took its place
}

// run places missing shards, other lenders taking over from those that fail.
func (s *Shipment) run(ctx context.Context) error {
	lenders, err := s.lenders(ctx)
	if err != nil {
		return err
	}
	if done, err := s.Choose(ctx, lenders); done || err != nil {
		return err
	}
	if s.idle = len(pool.Plan(s.Object, catalogue.Staying(s.Stored), lenders)) == 0; s.idle {
		return nil
	}
	sealed, err := s.by.Retrieve.Load(ctx, s.Object)
	if err != nil {
		return err
	}
	defer sealed.Close() //nolint:errcheck // only read
	shards, err := encoding.Encode(sealed, s.Object.Sealed, s.Object.Code, s.by.Dir)
	if err != nil {
		return err
	}
	defer shards.Close() //nolint:errcheck // nothing in it is kept
	for range rounds {
		tasks := pool.Plan(s.Object, catalogue.Staying(s.Stored), lenders)
		if len(tasks) == 0 || ctx.Err() != nil {
			return nil
		}
		if err := s.Send(ctx, tasks, shards); errors.Is(err, errOtherCode) && s.firstForm(ctx) {
			return s.reEncode(ctx)
		} else if err != nil {
			return err
		}
		if lenders, err = s.lenders(ctx); err != nil {
			return err
		}
	}
	return nil
}

// lenders lists who may be sent a shard now, with the room for a file of this type. Who
// is late with what it was sent before is left out where the others suffice.
func (s *Shipment) lenders(ctx context.Context) ([]shard.Candidate, error) {
	all, err := s.by.Pool.Candidates(ctx)
	all = pool.RoomFor(s.Object.File.Type, all)
	quick := s.by.Pool.Pace.Quick(all)
	if len(quick) < len(all) && pool.Fitting(s.Object, s.Stored, s.by.Pool.Well(quick)) >= max(s.Object.Code.Enough(), 1) {
		return quick, err
	}
	return all, err
}

// Choose fixes the code of an object by the members that are well, and loosens one
// that cannot be satisfied any more because members went away or are full. One copy
// is not chosen for want of room: the file waits, and that there is no room is said.
// done says that there is nothing to send.
func (s *Shipment) Choose(ctx context.Context, lenders []shard.Candidate) (done bool, err error) {
	well := s.by.Pool.Well(lenders)
	domains := pool.Fitting(s.Object, catalogue.Staying(s.Stored), well)
	if there := pool.Reachable(catalogue.Staying(s.Stored), well, pool.AnyRoom); domains < 2 && there > 1 {
		return true, nil // no room; shards sent now would be too few
	}
	stuck := s.Object.State == catalogue.Waiting && s.Object.Tries >= s.by.RecodeAfter && domains < s.Object.Code.Enough()
	switch {
	case domains == 0:
		return s.Object.Code.K == 0, nil // nobody lends yet: no code to choose
	case s.Object.Code.K != 0 && !stuck:
		return false, nil
	case s.Object.Code.K > 1:
		// Shards may be out there even if no receipt is: a crash loses receipts.
		return true, s.reEncode(ctx)
	}
	s.Object.Code = catalogue.CodeFor(s.Object.File.Type, domains)
	return false, s.by.Store.Queue.SetCode(ctx, s.Object.ID, s.Object.Code)
}

// firstForm says that the file was never sealed anew. No honest member can have
// anything else under the name of a second form, and sealing anew for one that lies
// would have no end. Nor may it cost us what enough members took.
func (s *Shipment) firstForm(ctx context.Context) bool {
	forms, err := s.by.Store.Objects.Forms(ctx, s.Object.Repo, s.Object.File)
	return err == nil && len(forms) == 1 && s.Object.State == catalogue.Waiting
}

// reEncode has another object take this one's place. Where that fails this one gets
// its next turn like any other.
func (s *Shipment) reEncode(ctx context.Context) error {
	err := s.by.ReEncode(ctx, s.Object)
	s.replaced = err == nil
	return err
}

// settle says when the object gets its next turn, and takes it off our disk when
// it may go.
func (s *Shipment) settle(ctx context.Context) error {
	r := s.by
	if err := s.advance(ctx, nil); err != nil {
		return err
	}
	if s.Object.State == catalogue.Placed {
		return errors.Join(r.Prove(ctx, s.Object.ID), r.Release(ctx, s.Object))
	}
	tries := s.Object.Tries + 1
	if s.moved {
		tries = 1
	}
	longest := MaxWait
	if s.idle && s.Object.State == catalogue.Safe {
		longest = IdleWait
	}
	next := core.At(r.Now()).Add(min(r.Pool.Interval<<min(tries, 12), longest))
	return errors.Join(r.Store.Queue.Postpone(ctx, s.Object.ID, tries, next), r.Release(ctx, s.Object))
}

// Release takes a data file off our disk when the members have it: all its
// shards, or enough of them and it stayed long enough for the rest.
func (r *Shipper) Release(ctx context.Context, o catalogue.Object) error {
	if o.Local == "" || catalogue.IsSmall(o.File.Type) {
		return nil
	}
	long := o.State == catalogue.Safe && r.Now().Sub(o.Made.Time()) > Linger
	if o.State != catalogue.Placed && !long {
		return nil
	}
	if err := r.Store.Objects.SetLocal(ctx, r.DB, o.ID, ""); err != nil {
		return err
	}
	r.Spool.Add(-o.Sealed)
	// A file left behind by a crash here is swept at the next start.
	return local.Removed(r.Local.Remove(o.Local))
}

// Linger is how long the sealed file of a safe object stays for the members that
// are away; later its missing shards are made from the others.
const Linger = time.Hour

// ReEncode gives the file of an object a new sealed form, and with it a new code:
// shards of one object never mix two codes.
func (r *Shipper) ReEncode(ctx context.Context, old catalogue.Object) error {
	plain, err := r.Retrieve.Open(ctx, old)
	if err != nil {
		return err
	}
	s, err := r.Seal(ctx, old.Repo, plain)
	if err = errors.Join(err, plain.Close()); err != nil {
		return err
	}
	fresh := old
	fresh.Code = shard.Code{}
	replaced, err := r.replace(context.WithoutCancel(ctx), old, fresh, s)
	if err != nil || !replaced {
		return err
	}
	r.Log.Info("encoded anew for the members that are left", "repo", old.Repo, "file", old.File.String())
	return nil
}

// replace puts a newly sealed form into the place of an object, or drops it: false when the
// object was removed meanwhile.
func (r *Shipper) replace(ctx context.Context, old, fresh catalogue.Object, s Sealed) (bool, error) {
	fresh.ID, fresh.Local, fresh.Sealed, fresh.SealedTo = s.ID, s.Local, s.Length, s.To
	fresh.Tries, fresh.Next, fresh.State = 0, 0, catalogue.Waiting
	replaced, err := r.Store.Objects.Replace(ctx, old, fresh, core.At(r.Now()))
	if err != nil {
		return false, err // the row may be there all the same: the file stays, or is swept
	}
	if !replaced {
		return false, r.Local.Remove(s.Local)
	}
	if old.Local == "" {
		r.addSpooled(fresh)
		return true, nil
	}
	return true, local.Removed(r.Local.Remove(old.Local))
}

func (r *Shipper) addSpooled(o catalogue.Object) {
	if o.File.Type == rest.Data {
		r.Spool.Add(o.Sealed)
	}
}
