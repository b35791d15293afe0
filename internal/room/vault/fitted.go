package vault

import (
	"context"
	"slices"

	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/shard"
)

// How an object is cut stands in its row, where a bit may flip: read by it, honest members
// would seem to give other bytes, and what cannot be joined would count as safe. The lengths
// of its shards, which their members signed for, say the same.

// fitted is how an object is cut by the shards there are of it: as its row says, unless no
// shard is as long as that makes them, or one has no place in it.
func fitted(o Object, shards []Placement) shard.Code {
	long := func(k int) bool {
		return k >= 1 && slices.ContainsFunc(shards, func(p Placement) bool { return p.Length == shard.Code{K: k}.ShardSize(o.Sealed) })
	}
	c := o.Code
	for domains := 1; domains <= mostDomains && !long(c.K); domains++ {
		c = shard.CodeFor(domains)
	}
	if !long(c.K) {
		return o.Code
	}
	if c.K == 1 { // of copies any number is right; a pool that has more gives more
		if c.N = o.Code.N; c.N < 1 || c.N > mostDomains {
			c.N = 1
		}
		return c
	}
	for domains := range mostDomains + 1 {
		if known := shard.CodeFor(domains); known.K == c.K {
			c.N = known.N
		}
	}
	return c
}

// mostDomains is from how many failure domains on the code is always the same.
const mostDomains = 9

// checkCodes puts right how objects are cut where this disk changed it.
func (r *Room) checkCodes(ctx context.Context) error {
	all, err := r.store.unfit(ctx)
	if err != nil {
		return err
	}
	for _, o := range all {
		shards, err := r.store.placements(ctx, o.ID)
		if err != nil {
			return err
		}
		c := fitted(o, onlyHeld(shards))
		if c == o.Code {
			continue
		}
		r.n.Log.Error("this disk changed a row of the database: how an object is cut is put right", "object", o.ID.String(), "was", o.Code, "is", c)
		err = r.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			if err := r.store.setCodeIn(ctx, q, o.ID, c); err != nil {
				return err
			}
			_, _, err := r.restate(ctx, q, o.ID)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
