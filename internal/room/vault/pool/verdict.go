package pool

import (
	"context"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/shard"
)

// Restate writes where an object stands by the shards that are stored now, and answers it:
// of two that place and lose shards of it at one moment, each sees what the other wrote.
func (p *Pool) Restate(ctx context.Context, q db.Querier, id shard.Hash) (catalogue.State, []catalogue.Placement, error) {
	o, all, err := p.Store.Placements.WithObject(ctx, q, id)
	if err != nil {
		return "", nil, err
	}
	stored, err := p.Counted(ctx, q, all)
	if err != nil {
		return "", nil, err
	}
	state := catalogue.StandingOf(o.Code, stored)
	return state, stored, p.Store.Queue.SetState(ctx, q, id, state, core.At(p.Now()))
}

// Counted leaves the placements that count, as their members stand now; those that are to
// be made again at others come last.
func (p *Pool) Counted(ctx context.Context, q db.Querier, all []catalogue.Placement) ([]catalogue.Placement, error) {
	stored := p.Relabel(catalogue.OnlyStored(all))
	leaves, err := p.Store.Lenders.Leaving(ctx, q)
	now := core.At(p.Now())
	var last []catalogue.Placement
	stored = slices.DeleteFunc(stored, func(one catalogue.Placement) bool {
		from := leaves[one.Member]
		if one.Leaves = from != 0 && from <= now; one.Leaves {
			last = append(last, one)
		}
		return one.Leaves
	})
	return append(stored, last...), err
}

// Blame notes what was wrong with a shard. One that is lost or wrong no longer
// counts, and its object gets work again.
func (p *Pool) Blame(ctx context.Context, one catalogue.Placement, cause error) {
	ctx = context.WithoutCancel(ctx)
	t := TroubleOf(one.Member, one, cause)
	p.Bad(ctx, t)
	switch t.Kind {
	case catalogue.TroubleWrong:
		p.Believe(ctx, one, catalogue.Wrong)
	case catalogue.TroubleLost:
		p.Believe(ctx, one, catalogue.Lost)
	}
}

// Believe notes whether a shard is there; its object may have work again. Failing is logged.
func (p *Pool) Believe(ctx context.Context, one catalogue.Placement, state catalogue.PlacementState) {
	if err := p.SetBelief(ctx, one, state); err != nil {
		p.Log.Error("noting what became of a shard failed", "object", one.Object.String(), "error", err)
	}
}

// SetBelief is Believe for who must know whether it was written.
func (p *Pool) SetBelief(ctx context.Context, one catalogue.Placement, state catalogue.PlacementState) error {
	err := p.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := p.Store.Placements.SetState(ctx, q, one, state, core.At(p.Now())); err != nil {
			return err
		}
		_, _, err := p.Restate(ctx, q, one.Object)
		return err
	})
	if err == nil {
		p.Work.Broadcast()
	}
	return err
}
