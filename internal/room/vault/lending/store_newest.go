package lending

import (
	"context"
	"math"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/shard"
)

// How far Newest looks back: what was only moved here hides what is new for so long.
const (
	newestPage  = 200
	newestPages = 20
)

// came is when a shard came, and its head.
type came struct {
	received core.Moment
	head     []byte
}

// cameBefore lists an owner's stored shards that came before a moment, the newest first.
func (s records) cameBefore(ctx context.Context, owner core.MemberID, before core.Moment) ([]came, error) {
	return db.All(ctx, s.db, func(r db.Row) (c came, err error) { return c, r.Scan(&c.received, &c.head) },
		`SELECT received_us, head FROM vault_stored WHERE state = $1 AND owner = $2 AND received_us < $3 AND deleted_us = 0
		ORDER BY received_us DESC LIMIT $4`, stateStored, owner, before, newestPage)
}

// Newest are when the newest of an owner's objects came to be that is stored whole (as
// snapshots and indexes are), and the newest of any sort; zero = there is none among the
// last few thousand that came. It is when the owner made the object by its signed head,
// and no later than when it came to us: a shard that is moved here, or sent again, makes
// nothing new. ok is false when nothing of the owner is stored. Returns CodeUnsure while
// the store's disk is away.
func (s *Store) Newest(ctx context.Context, owner core.MemberID) (whole, newest core.Moment, ok bool, err error) {
	if err := s.disk.dir.Check(); err != nil {
		return 0, 0, false, err
	}
	before := core.Moment(math.MaxInt64)
	for range newestPages {
		rows, err := s.records.cameBefore(ctx, owner, before)
		if err != nil {
			return 0, 0, false, err
		}
		for _, r := range rows {
			ok, before = true, r.received
			// Nothing that came earlier can be newer.
			if whole >= r.received {
				return whole, newest, ok, nil
			}
			head, err := shard.Parse(r.head)
			if err != nil {
				continue // a damaged row: the scrub finds it
			}
			made := min(head.Made, r.received)
			newest = max(newest, made)
			if head.K == 1 {
				whole = max(whole, made)
			}
		}
		if len(rows) < newestPage {
			break
		}
	}
	return whole, newest, ok, nil
}
