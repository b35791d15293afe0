package member

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

func putInvite(ctx context.Context, q db.Querier, hash string, until core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO trust_invite (hash, until_us, used_by) VALUES ($1, $2, '')`, hash, int64(until))
	return err
}

// useInvite marks an invitation as used by a member and says whether it was
// good. The same member may use it again: its answer may have been lost.
func useInvite(ctx context.Context, q db.Querier, hash string, by core.MemberID, now core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE trust_invite SET used_by = $2
		WHERE hash = $1 AND until_us > $3 AND (used_by = '' OR used_by = $2)`, hash, string(by), int64(now))
	return n == 1, err
}

// inviteGood says whether useInvite would find an invitation good.
func inviteGood(ctx context.Context, q db.Querier, hash string, by core.MemberID, now core.Moment) (bool, error) {
	n, err := db.One(ctx, q, scanCount, `SELECT count(*) FROM trust_invite
		WHERE hash = $1 AND until_us > $3 AND (used_by = '' OR used_by = $2)`, hash, string(by), int64(now))
	return n == 1, err
}

// DropInvites forgets invitations long out of date and counts those still open.
func DropInvites(ctx context.Context, q db.Querier, now core.Moment) (int, error) {
	if _, err := db.Exec(ctx, q, `DELETE FROM trust_invite WHERE until_us < $1`, int64(now.Add(-30*day))); err != nil {
		return 0, err
	}
	return db.One(ctx, q, scanCount, `SELECT count(*) FROM trust_invite WHERE used_by = '' AND until_us > $1`, int64(now))
}
