package upkeep

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/shard"
	"entrechat/internal/room/vault/shipping"
)

const (
	// proofBatch bounds how many repaired objects one run of the repair job has proved.
	proofBatch = 500
	// Provers is how many of them at once: a member that is slow to prove holds up its
	// own objects.
	Provers = 8
)

// Prove ends the troubles about an object when every shard of it that counts was proved
// anew. Receipts do not suffice: a member may give one for a shard that it holds
// damaged. What is not proved now stays a trouble and is asked for again by proveAll.
func (r *Upkeep) Prove(ctx context.Context, id shard.Hash) error {
	failed, err := r.store.Troubles.Failures(ctx, id)
	if err != nil || failed == 0 {
		return err
	}
	all, err := r.store.Placements.Of(ctx, id)
	if err != nil {
		return err
	}
	if !r.proved(ctx, catalogue.OnlyStored(all)) {
		// Each time in vain the pause doubles, or a broken disk would be sent the same for
		// ever.
		next := core.At(r.n.Now()).Add(min(r.pool.Interval<<min(failed, 12), shipping.MaxWait))
		return errors.Join(ctx.Err(), r.store.Queue.Postpone(context.WithoutCancel(ctx), id, 0, next))
	}
	return r.store.Troubles.EndOf(ctx, r.n.DB, id, core.At(r.n.Now()))
}

// proved audits shards, all at once, and says whether every one was proved. What was
// wrong is noted as the member's trouble.
func (r *Upkeep) proved(ctx context.Context, held []catalogue.Placement) bool {
	var all sync.WaitGroup
	failed := make([]error, len(held))
	for i, p := range held {
		all.Go(func() { failed[i] = r.Audit(ctx, p) })
	}
	all.Wait()
	return errors.Join(failed...) == nil
}

// ProveAll has proved what was placed again and could not be proved then. What lies at a
// member that failed a moment ago waits for the next run.
func (r *Upkeep) ProveAll(ctx context.Context) error {
	if err := r.store.Troubles.EndRemoved(ctx, core.At(r.n.Now())); err != nil {
		return err
	}
	ids, err := r.store.Troubles.Unproved(ctx, local.NewName()[3:], proofBatch)
	if err != nil {
		return err
	}
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(Provers)
	for _, id := range ids {
		all.Go(func() error {
			places, err := r.store.Placements.Of(ctx, id)
			if err != nil || slices.ContainsFunc(catalogue.OnlyStored(places), func(p catalogue.Placement) bool { return r.pool.Resting(p.Member) }) {
				return err
			}
			return r.Prove(ctx, id)
		})
	}
	return all.Wait()
}
