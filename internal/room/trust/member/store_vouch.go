package member

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/trust/fact"
)

func scanVouch(r db.Row) (Vouch, error) {
	var v Vouch
	var root string
	if err := r.Scan(&v.By, &v.For.Member, &root, &v.For.URL, &v.Since); err != nil {
		return v, err
	}
	var err error
	v.For.Root, err = core.ParseRootKey(root)
	return v, err
}

// Vouches lists the vouches of all logbooks.
func Vouches(ctx context.Context, q db.Querier) ([]Vouch, error) {
	return db.All(ctx, q, scanVouch, `SELECT log, member, root, url, since_us FROM trust_vouch ORDER BY log, member`)
}

// VouchesBy lists the vouches of one logbook, by the member they are for.
func VouchesBy(ctx context.Context, q db.Querier, log core.MemberID) ([]Vouch, error) {
	return db.All(ctx, q, scanVouch, `SELECT log, member, root, url, since_us FROM trust_vouch
		WHERE log = $1 ORDER BY member`, string(log))
}

// PutVouch writes a vouch that stands at an index of its logbook, over an earlier one for the same member.
func PutVouch(ctx context.Context, q db.Querier, v Vouch, idx int64) error {
	_, err := db.Exec(ctx, q, `INSERT INTO trust_vouch (log, member, root, url, since_us, idx) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (log, member) DO UPDATE SET root = $3, url = $4, since_us = $5, idx = $6`,
		string(v.By), string(v.For.Member), v.For.Root.String(), v.For.URL, int64(v.Since), idx)
	return fact.Changed(ctx, q, err)
}

// DropVouch forgets one logbook's vouch for a member.
func DropVouch(ctx context.Context, q db.Querier, by, member core.MemberID) error {
	_, err := db.Exec(ctx, q, `DELETE FROM trust_vouch WHERE log = $1 AND member = $2`, string(by), string(member))
	return fact.Changed(ctx, q, err)
}
