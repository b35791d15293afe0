package vault

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
	// shipTick is how often, in beats, the catalogue is looked at when nothing woke us:
	// the command line may have put something there.
	shipTick = 2
	// rounds is how many times in a row other lenders are tried for the shards
	// that some did not take.
	rounds = 3
	// recodeAfter is how many failed rounds an object waits for members that are
	// away before it is cut for those that are there.
	recodeAfter = 3
	// maxWait bounds the pause between rounds.
	maxWait = 5 * time.Minute
	// idleWait bounds the same for what is safe and has nowhere to go: no member is left
	// to ask. A member that comes, or comes back, ends it.
	idleWait = time.Hour
)

// ship sends what waits to the members until ctx ends.
func (r *Room) ship(ctx context.Context) error {
	var busy sync.WaitGroup
	defer busy.Wait()
	slots := make(chan struct{}, shippers)
	for ctx.Err() == nil {
		woken := r.work.Next()
		started, err := r.startDue(ctx, slots, &busy)
		if err != nil {
			return err
		}
		if started {
			continue
		}
		timer := time.NewTimer(shipTick * r.pool.Interval)
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
func (r *Room) startDue(ctx context.Context, slots chan struct{}, busy *sync.WaitGroup) (started bool, err error) {
	r.mu.Lock()
	busyWith := len(r.claimed) // they may be due too
	r.mu.Unlock()
	due, err := r.store.Queue.Due(ctx, core.At(r.n.Now()), busyWith+2*shippers)
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
			err := r.shipOne(ctx, o.ID, leave)
			leave() // others go on while this one rests
			if err != nil && ctx.Err() == nil {
				r.n.Log.Error("placing an object failed", "object", o.ID.String(), "error", err)
			}
			r.restAfter(ctx, err)
		})
	}
	return started, nil
}

// restAfter waits, longer after each failure in a row, while the object is still
// claimed: when nothing can be written down, an object stays due,
// and would be tried again at once.
func (r *Room) restAfter(ctx context.Context, err error) {
	if err == nil {
		r.shipFails.Store(0)
		return
	}
	timer := time.NewTimer(min(r.pool.Interval<<min(r.shipFails.Add(1), 12), maxWait))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (r *Room) claim(id shard.Hash) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claimed[id] {
		return false
	}
	r.claimed[id] = true
	return true
}

// unclaim lets the object be taken again, and wakes ship to look for more.
func (r *Room) unclaim(id shard.Hash) {
	r.mu.Lock()
	delete(r.claimed, id)
	r.mu.Unlock()
	r.work.Broadcast()
}

// shipOne does what can be done for one object now and says when to try again. leave is
// called when others need not wait for it.
func (r *Room) shipOne(ctx context.Context, id shard.Hash, leave func()) error {
	defer r.pool.Written(id)
	o, err := r.store.Objects.Get(ctx, id)
	if err != nil {
		return err
	}
	if o.Deleted != 0 || o.State == catalogue.Placed {
		return nil
	}
	all, err := r.store.Placements.Of(ctx, o.ID)
	if err != nil {
		return err
	}
	held, err := r.pool.Counted(ctx, r.n.DB, all)
	if err != nil {
		return err
	}
	s := &shipment{room: r, o: o, held: held, began: r.n.Now(), leave: leave}
	err = s.run(ctx)
	if ctx.Err() != nil || s.replaced {
		return errors.Join(ctx.Err(), err)
	}
	return errors.Join(s.settle(ctx), err)
}

// shipment is one object on its way.
type shipment struct {
	room     *Room
	o        catalogue.Object
	held     []catalogue.Placement
	began    time.Time
	leave    func() // others may go on beside this one; nil = nobody waits
	moved    bool   // something new was placed
	idle     bool   // nobody could be sent anything
	replaced bool   // another object took its place
}

// run places missing shards, other lenders taking over from those that fail.
func (s *shipment) run(ctx context.Context) error {
	lenders, err := s.lenders(ctx)
	if err != nil {
		return err
	}
	if done, err := s.choose(ctx, lenders); done || err != nil {
		return err
	}
	if s.idle = len(pool.Plan(s.o, catalogue.Staying(s.held), lenders)) == 0; s.idle {
		return nil
	}
	sealed, err := s.room.retrieve.Load(ctx, s.o)
	if err != nil {
		return err
	}
	defer sealed.Close() //nolint:errcheck // only read
	shards, err := encoding.Encode(sealed, s.o.Sealed, s.o.Code, s.room.scratch())
	if err != nil {
		return err
	}
	defer shards.Close() //nolint:errcheck // nothing in it is kept
	for range rounds {
		tasks := pool.Plan(s.o, catalogue.Staying(s.held), lenders)
		if len(tasks) == 0 || ctx.Err() != nil {
			return nil
		}
		if err := s.send(ctx, tasks, shards); errors.Is(err, errOtherCode) && s.firstForm(ctx) {
			return s.reseal(ctx)
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
func (s *shipment) lenders(ctx context.Context) ([]shard.Candidate, error) {
	all, err := s.room.pool.Candidates(ctx)
	all = pool.RoomFor(s.o.File.Type, all)
	quick := s.room.pool.Pace.Quick(all)
	if len(quick) < len(all) && pool.Fitting(s.o, s.held, s.room.pool.Well(quick)) >= max(s.o.Code.Enough(), 1) {
		return quick, err
	}
	return all, err
}

// choose fixes the code of an object by the members that are well, and loosens one
// that cannot be satisfied any more because members went away or are full. One copy
// is not chosen for want of room: the file waits, and that there is no room is said.
// done says that there is nothing to send.
func (s *shipment) choose(ctx context.Context, lenders []shard.Candidate) (done bool, err error) {
	well := s.room.pool.Well(lenders)
	domains := pool.Fitting(s.o, catalogue.Staying(s.held), well)
	if there := pool.Reachable(catalogue.Staying(s.held), well, pool.AnyRoom); domains < 2 && there > 1 {
		return true, nil // no room; shards sent now would be too few
	}
	stuck := s.o.State == catalogue.Waiting && s.o.Tries >= s.room.recodeAfter && domains < s.o.Code.Enough()
	switch {
	case domains == 0:
		return s.o.Code.K == 0, nil // nobody lends yet: no code to choose
	case s.o.Code.K != 0 && !stuck:
		return false, nil
	case s.o.Code.K > 1:
		// Shards may be out there even if no receipt is: a crash loses receipts.
		return true, s.reseal(ctx)
	}
	s.o.Code = catalogue.CodeFor(s.o.File.Type, domains)
	return false, s.room.store.Queue.SetCode(ctx, s.o.ID, s.o.Code)
}

// firstForm says that the file was never sealed anew. No honest member can have
// anything else under the name of a second form, and sealing anew for one that lies
// would have no end. Nor may it cost us what enough members took.
func (s *shipment) firstForm(ctx context.Context) bool {
	forms, err := s.room.store.Objects.Forms(ctx, s.o.Repo, s.o.File)
	return err == nil && len(forms) == 1 && s.o.State == catalogue.Waiting
}

// reseal has another object take this one's place. Where that fails this one gets
// its next turn like any other.
func (s *shipment) reseal(ctx context.Context) error {
	err := s.room.reseal(ctx, s.o)
	s.replaced = err == nil
	return err
}

// settle says when the object gets its next turn, and takes it off our disk when
// it may go.
func (s *shipment) settle(ctx context.Context) error {
	r := s.room
	if err := s.advance(ctx, nil); err != nil {
		return err
	}
	if s.o.State == catalogue.Placed {
		return errors.Join(r.prove(ctx, s.o.ID), r.unshelve(ctx, s.o))
	}
	tries := s.o.Tries + 1
	if s.moved {
		tries = 1
	}
	longest := maxWait
	if s.idle && s.o.State == catalogue.Safe {
		longest = idleWait
	}
	next := core.At(r.n.Now()).Add(min(r.pool.Interval<<min(tries, 12), longest))
	return errors.Join(r.store.Queue.Postpone(ctx, s.o.ID, tries, next), r.unshelve(ctx, s.o))
}

// unshelve takes a data file off our disk when the members have it: all its
// shards, or enough of them and it stayed long enough for the rest.
func (r *Room) unshelve(ctx context.Context, o catalogue.Object) error {
	if o.Local == "" || catalogue.IsSmall(o.File.Type) {
		return nil
	}
	long := o.State == catalogue.Safe && r.n.Now().Sub(o.Made.Time()) > linger
	if o.State != catalogue.Placed && !long {
		return nil
	}
	if err := r.store.Objects.SetLocal(ctx, r.n.DB, o.ID, ""); err != nil {
		return err
	}
	r.spool.Add(-o.Sealed)
	// A file left behind by a crash here is swept at the next start.
	return local.Removed(r.shelf.Remove(o.Local))
}

// linger is how long the sealed file of a safe object stays for the members that
// are away; later its missing shards are made from the others.
const linger = time.Hour

// reseal gives the file of an object a new sealed form, and with it a new code:
// shards of one object never mix two codes.
func (r *Room) reseal(ctx context.Context, old catalogue.Object) error {
	plain, err := r.retrieve.Open(ctx, old)
	if err != nil {
		return err
	}
	s, err := r.seal(ctx, old.Repo, plain)
	if err = errors.Join(err, plain.Close()); err != nil {
		return err
	}
	fresh := old
	fresh.Code = shard.Code{}
	replaced, err := r.replace(ctx, old, fresh, s)
	if err != nil || !replaced {
		return err
	}
	r.n.Log.Info("cut anew for the members that are left", "repo", old.Repo, "file", old.File.String())
	return nil
}

// replace puts a newly sealed form into the place of an object, or drops it: false when the
// object was removed meanwhile.
func (r *Room) replace(ctx context.Context, old, fresh catalogue.Object, s sealed) (bool, error) {
	fresh.ID, fresh.Local, fresh.Sealed, fresh.SealedTo = s.id, s.shelf, s.length, s.to
	fresh.Tries, fresh.Next, fresh.State = 0, 0, catalogue.Waiting
	if replaced, err := r.store.Objects.Replace(ctx, old, fresh, core.At(r.n.Now())); err != nil || !replaced {
		return false, errors.Join(err, r.shelf.Remove(s.shelf))
	}
	if old.Local == "" {
		r.addSpooled(fresh)
		return true, nil
	}
	return true, local.Removed(r.shelf.Remove(old.Local))
}

func (r *Room) addSpooled(o catalogue.Object) {
	if o.File.Type == rest.Data {
		r.spool.Add(o.Sealed)
	}
}
