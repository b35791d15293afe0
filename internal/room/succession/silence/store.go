package silence

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

func scanCall(r db.Row) (c Call, err error) {
	var reached int64
	err = r.Scan(&c.Member, &c.At, &c.By, &reached, &c.Note)
	c.Reached = reached != 0
	return c, err
}

func putCall(ctx context.Context, q db.Querier, c Call) error {
	reached := 0
	if c.Reached {
		reached = 1
	}
	_, err := db.Exec(ctx, q, `INSERT INTO succession_call (member, at_us, by_name, reached, note) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (member, at_us) DO NOTHING`,
		string(c.Member), int64(c.At), c.By, reached, c.Note)
	return err
}

// callsOf lists the calls about a member, the oldest first.
func callsOf(ctx context.Context, q db.Querier, m core.MemberID) ([]Call, error) {
	return db.All(ctx, q, scanCall, `SELECT member, at_us, by_name, reached, note FROM succession_call WHERE member = $1 ORDER BY at_us`, string(m))
}

func forgetCalls(ctx context.Context, q db.Querier, before core.Moment) error {
	_, err := db.Exec(ctx, q, `DELETE FROM succession_call WHERE at_us < $1`, int64(before))
	return err
}

// told says whether a mail went out.
func told(ctx context.Context, q db.Querier, m core.MemberID, what string) (bool, error) {
	all, err := db.All(ctx, q, func(r db.Row) (n int64, err error) { return n, r.Scan(&n) },
		`SELECT at_us FROM succession_told WHERE member = $1 AND what = $2`, string(m), what)
	return len(all) > 0, err
}

func setTold(ctx context.Context, q db.Querier, m core.MemberID, what string, at core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_told (member, what, at_us) VALUES ($1, $2, $3) ON CONFLICT (member, what) DO NOTHING`, string(m), what, int64(at))
	return err
}

// toldNamings counts the mails about new successors of a member since a moment.
func toldNamings(ctx context.Context, q db.Querier, m core.MemberID, since core.Moment) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM succession_told WHERE member = $1 AND what LIKE 'naming/%' AND at_us >= $2`, string(m), int64(since))
}

// forgetDays lets the mails of a next silence go out.
func forgetDays(ctx context.Context, q db.Querier, m core.MemberID) error {
	_, err := db.Exec(ctx, q, `DELETE FROM succession_told WHERE member = $1 AND what LIKE 'day/%'`, string(m))
	return err
}

// Asked is an ask of ours to custodians.
type Asked struct {
	Ask     string        `json:"ask"` // its id
	Owner   core.MemberID `json:"owner"`
	Service string        `json:"service"`
	Scope   string        `json:"scope"`
	At      core.Moment   `json:"at_us"`
}

func putAsked(ctx context.Context, q db.Querier, a Asked) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_ask (ask, owner, service, scope, at_us) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (ask) DO NOTHING`,
		a.Ask, string(a.Owner), a.Service, a.Scope, int64(a.At))
	return err
}

// askedOf lists our asks about an owner, the oldest first.
func askedOf(ctx context.Context, q db.Querier, owner core.MemberID) ([]Asked, error) {
	return db.All(ctx, q, func(r db.Row) (a Asked, err error) {
		return a, r.Scan(&a.Ask, &a.Owner, &a.Service, &a.Scope, &a.At)
	}, `SELECT ask, owner, service, scope, at_us FROM succession_ask WHERE owner = $1 ORDER BY at_us, scope`, string(owner))
}
