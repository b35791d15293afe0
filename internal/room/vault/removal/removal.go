package removal

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// Needs is what removals are made of.
type Needs struct {
	Store    catalogue.Store
	Recovery *recovery.Recovery
	Spool    *local.Spool
	Signer   seal.Signer
	// Holder reaches a member's store.
	Holder    func(core.MemberID) holder.Holder
	Drop      func(file string) // removes a local file that no row names
	Work      *local.Signal     // told when there may be something to ship
	Committed *local.Signal     // told when what an index waits for may be there, or gone
	Now       func() time.Time
	Log       *slog.Logger
}

// Removals are those of one node. Safe for concurrent use.
type Removals struct {
	n        Needs
	store    catalogue.Store
	recovery *recovery.Recovery
	spool    *local.Spool
}

// New makes them; nothing is sent yet.
func New(n Needs) *Removals { return &Removals{n, n.Store, n.Recovery, n.Spool} }

const (
	// tellAgain is the pause before a tombstone is sent to a member that did not
	// answer.
	tellAgain = 10 * time.Minute
	// tellYoung is the pause when the member says that it is too early: what was
	// saved in the last seven days, or more than a tenth of everything in a day.
	tellYoung = 6 * time.Hour
	// tellBatch is how many tombstones are looked at in one go.
	tellBatch = 500
	// forgetAfter is how long the catalogue remembers what members deleted, longer
	// than the 30 days they keep it.
	forgetAfter = 45 * 24 * time.Hour
)

// Delete takes a file out of a repository, here at once, and signs the tombstone
// that makes the members delete its shards. The key is used and forgotten. A file
// that is not there is no error.
//
// spec: docs/spec/holder.md#tombstone
func (r *Removals) Delete(ctx context.Context, repo string, h rest.Handle, prune ed25519.PrivateKey) error {
	objects, err := r.store.Objects.Forms(ctx, repo, h)
	if err != nil || len(objects) == 0 {
		return err
	}
	ids := make([]shard.Hash, 0, len(objects))
	for _, o := range objects {
		ids = append(ids, o.ID)
	}
	now := core.At(r.n.Now())
	tombstone, err := holder.SignTombstone(r.n.Signer.ID(), prune, ids, now)
	if err != nil {
		return err
	}
	document, err := tombstone.Document.Encode()
	if err != nil {
		return err
	}
	if err := r.store.Tombstones.Add(ctx, ids, document, now); err != nil {
		return err
	}
	for _, o := range objects {
		if o.Local == "" {
			continue
		}
		if !catalogue.IsSmall(o.File.Type) {
			r.spool.Add(-o.Sealed)
		}
		r.n.Drop(o.Local)
	}
	r.n.Committed.Broadcast() // an index may have waited for what is gone now
	return nil
}

// Send tells the members what to delete, each in its own time.
func (r *Removals) Send(ctx context.Context) error {
	if !r.recovery.Settled(ctx) {
		return nil // a tombstone of an older disk may have been taken back since
	}
	tombstones, err := r.store.Tombstones.Unsent(ctx, core.At(r.n.Now()), tellBatch)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	failed := make([]error, 0, 1)
	var mu sync.Mutex
	for len(tombstones) > 0 {
		n := slices.IndexFunc(tombstones, func(g catalogue.Tombstone) bool { return g.Member != tombstones[0].Member })
		if n < 0 {
			n = len(tombstones)
		}
		mine := tombstones[:n]
		tombstones = tombstones[n:]
		all.Go(func() {
			if err := r.tell(ctx, mine); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
		})
	}
	all.Wait()
	return errors.Join(append(failed, r.store.Tombstones.Forget(ctx, core.At(r.n.Now()).Add(-forgetAfter)))...)
}

// tellTime is the end of what one member is told in one round: one that is slow must not
// make the others wait for their next.
const tellTime = 2 * time.Minute

// tell sends one member its tombstones, and stops when it does not answer.
func (r *Removals) tell(ctx context.Context, tombstones []catalogue.Tombstone) error {
	now := core.At(r.n.Now())
	telling, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	for i, g := range tombstones {
		t, err := holder.ReadTombstone(g.Document)
		if err != nil {
			return fmt.Errorf("read our own tombstone: %w", err)
		}
		answer, err := r.n.Holder(g.Member).Delete(telling, t)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r.n.Log.Info("a member did not take a tombstone", "member", g.Member, "error", err)
			for _, g := range tombstones[i:] {
				if err := r.store.Tombstones.Postpone(ctx, g, now.Add(tellAgain)); err != nil {
					return err
				}
			}
			return nil
		}
		if slices.Contains(answer.Later, g.Object) {
			err = r.store.Tombstones.Postpone(ctx, g, now.Add(tellYoung))
		} else {
			err = r.accepted(ctx, g, now) // or it never had it
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// accepted writes that a member deleted an object, or has it undeleted when the object
// was brought back while the tombstone was on its way.
func (r *Removals) accepted(ctx context.Context, g catalogue.Tombstone, now core.Moment) error {
	if ok, err := r.store.Tombstones.Accepted(ctx, g, now); ok || err != nil {
		return err
	}
	if unheard, _ := r.undeleteAt(ctx, []core.MemberID{g.Member}, []shard.Hash{g.Object}); len(unheard) > 0 {
		return r.store.Placements.Lose(ctx, g.Object, g.Member)
	}
	return nil
}

// undeleteAt has members undelete objects, all at once, and answers those that did not, with
// a reason of one.
func (r *Removals) undeleteAt(ctx context.Context, members []core.MemberID, ids []shard.Hash) (unheard []core.MemberID, last error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, m := range members {
		all.Go(func() {
			err := errLeftOut
			if !r.recovery.LeftOut(m) {
				_, err = r.n.Holder(m).Undelete(ctx, ids)
			}
			if err == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			unheard, last = append(unheard, m), err
		})
	}
	all.Wait()
	slices.Sort(unheard)
	return unheard, last
}

// errLeftOut stands for the answer of a member that was not asked.
var errLeftOut = errors.New("left out")

// Undelete brings back everything that was removed from a backup after a moment, here
// or on an earlier disk, and answers how many files can be read again. Shards at members
// that do not answer count as lost, and are made again. Returns CodeUnsure when nobody
// answers, and when files cannot be brought back because too few members have their shards.
func (r *Removals) Undelete(ctx context.Context, name string, since core.Moment) (back int, err error) {
	if _, err := r.store.Repos.Get(ctx, name); err != nil {
		return 0, err
	}
	// What was removed on an earlier disk has no tombstone here: the members know.
	heard, err := r.recovery.LearnRemoved(ctx)
	if err != nil {
		return 0, err
	}
	objects, err := r.store.Objects.DeletedSince(ctx, name, since)
	if err != nil {
		return 0, err
	}
	members, err := r.store.Placements.Holders(ctx)
	if err != nil {
		return 0, err
	}
	// What too few of them keep stays where it is: undeleted, it would only be counted as lost.
	within, err := r.readableFrom(ctx, objects, func(m core.MemberID) bool { return heard[m] && !r.recovery.LeftOut(m) })
	if err != nil {
		return 0, err
	}
	for batch := range slices.Chunk(within, holder.MaxObjects) {
		if err := r.undelete(ctx, batch, members); err != nil {
			return back, err
		}
		there, err := r.readableFrom(ctx, batch, func(core.MemberID) bool { return true })
		if err != nil {
			return back, err
		}
		back += len(there)
	}
	r.n.Work.Broadcast()
	if left := len(objects) - back; left > 0 {
		unheard := slices.DeleteFunc(members, func(m core.MemberID) bool { return heard[m] })
		err = core.Unsure("vault.undelete_incomplete", fmt.Errorf("%d of %d files", left, len(objects))).
			With("Name", name).With("Back", back).With("Count", left).With("Members", catalogue.Joined(unheard))
	}
	return back, err
}

// readableFrom keeps the objects of which the members that count hold enough shards.
func (r *Removals) readableFrom(ctx context.Context, objects []catalogue.Object, counts func(core.MemberID) bool) (out []catalogue.Object, err error) {
	for _, o := range objects {
		all, err := r.store.Placements.Of(ctx, o.ID)
		if err != nil {
			return nil, err
		}
		held := slices.DeleteFunc(catalogue.OnlyStored(all), func(p catalogue.Placement) bool { return !counts(p.Member) })
		if catalogue.Losses(o.Code, catalogue.Distinct(held)) >= 0 {
			out = append(out, o)
		}
	}
	return out, nil
}

// undelete brings one batch of objects back, first at the members, then here, then once
// more at the members: a tombstone may have come to one in between.
func (r *Removals) undelete(ctx context.Context, batch []catalogue.Object, members []core.MemberID) error {
	ids := make([]shard.Hash, 0, len(batch))
	for _, o := range batch {
		ids = append(ids, o.ID)
	}
	if unheard, last := r.undeleteAt(ctx, members, ids); len(unheard) == len(members) {
		return core.Unsure("vault.undelete_unheard", fmt.Errorf("no member answers: %w", last))
	}
	for _, id := range ids {
		if err := r.store.Tombstones.Undelete(ctx, id); err != nil {
			return err
		}
	}
	unheard, _ := r.undeleteAt(ctx, members, ids)
	for _, id := range ids {
		for _, m := range unheard {
			if err := r.store.Placements.Lose(ctx, id, m); err != nil {
				return err
			}
		}
	}
	return r.store.Queue.Recompute(ctx, core.At(r.n.Now()))
}
