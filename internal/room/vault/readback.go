package vault

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/shard"
)

// proofBatch bounds how many repaired objects one run of the repair job has proved.
const proofBatch = 500

// prove ends the troubles about an object when every shard of it that counts was proved
// anew. Receipts do not suffice: a member may give one for a shard that it holds
// damaged. What is not proved now stays a trouble and is asked for again by proveAll.
func (r *Room) prove(ctx context.Context, id shard.Hash) error {
	failed, err := r.store.failures(ctx, id)
	if err != nil || failed == 0 {
		return err
	}
	all, err := r.store.placements(ctx, id)
	if err != nil {
		return err
	}
	for _, p := range onlyHeld(all) {
		if err := r.audit(ctx, p); err != nil {
			// Noted as the member's trouble. Each time in vain the pause doubles, or a broken
			// disk would be sent the same for ever.
			next := core.At(r.n.Now()).Add(min(r.pool.beat<<min(failed, 12), maxWait))
			return errors.Join(ctx.Err(), r.store.postpone(context.WithoutCancel(ctx), id, 0, next))
		}
	}
	return r.store.mended(ctx, r.n.DB, id, core.At(r.n.Now()))
}

// proveAll has proved what was placed again and could not be proved then.
func (r *Room) proveAll(ctx context.Context) error {
	ids, err := r.store.unproved(ctx, newShelfName()[3:], proofBatch)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := r.prove(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
