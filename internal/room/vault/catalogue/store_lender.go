package catalogue

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Absent is how long a member may be unreachable before its shards are made again
// elsewhere.
const Absent = 72 * time.Hour

// HeardFor is how long a member that did what we asked is taken to be there: each that
// keeps something of ours is audited every quarter of an hour.
const HeardFor = time.Hour

// Silent says whether nothing good is known of a member now.
func (l LenderState) Silent(now core.Moment) bool {
	return l.Bad != 0 || l.Good.Add(HeardFor) < now
}

// LenderState is what we remember of a member between attempts.
type LenderState struct {
	Good core.Moment // last time it did what we asked
	Bad  core.Moment // failing since; zero = fine
	Next core.Moment // nothing new is sent before
	Full int64       // bytes of the smallest shard it had no room for; zero = it takes what we send
}

// Leaving lists from when on what each member has is made again at others.
func (s Lenders) Leaving(ctx context.Context, q db.Querier) (map[core.MemberID]core.Moment, error) {
	type row struct {
		id core.MemberID
		at core.Moment
	}
	rows, err := db.All(ctx, q, func(r db.Row) (l row, err error) {
		err = r.Scan(&l.id, &l.at)
		return l, err
	}, `SELECT member, leaves_us FROM vault_lender WHERE leaves_us > 0`)
	out := make(map[core.MemberID]core.Moment, len(rows))
	for _, l := range rows {
		out[l.id] = l.at
	}
	return out, err
}

// SetLeaving writes from when on what a member has is made again at others; zero = it lends.
func (s Lenders) SetLeaving(ctx context.Context, id core.MemberID, at core.Moment) error {
	_, err := db.Exec(ctx, s.db, `INSERT INTO vault_lender (member, good_us, bad_us, next_us, full_bytes, leaves_us) VALUES ($1, 0, 0, 0, 0, $2)
		ON CONFLICT (member) DO UPDATE SET leaves_us = excluded.leaves_us`, string(id), int64(at))
	return err
}

// States answers what we remember of each member.
func (s Lenders) States(ctx context.Context) (map[core.MemberID]LenderState, error) {
	type row struct {
		id core.MemberID
		LenderState
	}
	rows, err := db.All(ctx, s.db, func(r db.Row) (l row, err error) {
		err = r.Scan(&l.id, &l.Good, &l.Bad, &l.Next, &l.Full)
		return l, err
	}, `SELECT member, good_us, bad_us, next_us, full_bytes FROM vault_lender`)
	out := make(map[core.MemberID]LenderState, len(rows))
	for _, l := range rows {
		out[l.id] = l.LenderState
	}
	return out, err
}

// SetState writes what we remember of a member.
func (s Lenders) SetState(ctx context.Context, id core.MemberID, l LenderState) error {
	_, err := db.Exec(ctx, s.db, `INSERT INTO vault_lender (member, good_us, bad_us, next_us, full_bytes) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (member) DO UPDATE SET good_us = excluded.good_us, bad_us = excluded.bad_us, next_us = excluded.next_us,
			full_bytes = excluded.full_bytes`,
		string(id), int64(l.Good), int64(l.Bad), int64(l.Next), l.Full)
	return err
}
