package alert

import (
	"context"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/alert/contact"
)

// loadPlan reads the plan of an owner; false: there is none.
func loadPlan(ctx context.Context, q db.Querier, owner core.MemberID) (p contact.Plan, ok bool, err error) {
	doc, err := db.One(ctx, q, db.Text, `SELECT doc FROM watch_plan WHERE owner = $1`, string(owner))
	if errors.Is(err, db.ErrNoRow) {
		return p, false, nil
	}
	if err != nil {
		return p, false, err
	}
	if err := wire.Decode([]byte(doc), &p); err != nil {
		return p, false, fmt.Errorf("stored contact plan: %w", err)
	}
	return p, true, nil
}

// savePlan replaces the plan of its owner unless the stored one is newer; false: it is.
func savePlan(ctx context.Context, q db.Querier, p contact.Plan) (bool, error) {
	doc, err := wire.Encode(p)
	if err != nil {
		return false, err
	}
	n, err := db.Exec(ctx, q, `INSERT INTO watch_plan (owner, at_us, doc) VALUES ($1, $2, $3)
		ON CONFLICT (owner) DO UPDATE SET at_us = $2, doc = $3 WHERE watch_plan.at_us <= $2`, string(p.Owner), int64(p.At), string(doc))
	return n == 1, err
}

func dropPlan(ctx context.Context, q db.Querier, owner core.MemberID) error {
	_, err := db.Exec(ctx, q, `DELETE FROM watch_plan WHERE owner = $1`, string(owner))
	return err
}

func planOwners(ctx context.Context, q db.Querier) ([]core.MemberID, error) {
	return db.All(ctx, q, scanMember, `SELECT owner FROM watch_plan ORDER BY owner`)
}

func scanMember(r db.Row) (id core.MemberID, err error) { return id, r.Scan(&id) }

// push is which of our plans a member has.
type push struct {
	member core.MemberID
	at     core.Moment // 0 = none, as far as we know
	next   core.Moment
	tries  int64
}

func pushes(ctx context.Context, q db.Querier) ([]push, error) {
	return db.All(ctx, q, func(r db.Row) (p push, err error) { return p, r.Scan(&p.member, &p.at, &p.next, &p.tries) },
		`SELECT member, at_us, next_us, tries FROM watch_plan_push ORDER BY member`)
}

func keepPush(ctx context.Context, q db.Querier, p push) error {
	_, err := db.Exec(ctx, q, `INSERT INTO watch_plan_push (member, at_us, next_us, tries) VALUES ($1, $2, $3, $4)
		ON CONFLICT (member) DO UPDATE SET at_us = $2, next_us = $3, tries = $4`, string(p.member), int64(p.at), int64(p.next), p.tries)
	return err
}

func dropPush(ctx context.Context, q db.Querier, member core.MemberID) error {
	_, err := db.Exec(ctx, q, `DELETE FROM watch_plan_push WHERE member = $1`, string(member))
	return err
}
