package recipient

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

type record struct {
	member    core.MemberID
	recipient string
	entry     int64
	said      core.Moment
}

// put keeps what a member published, unless it published another one later.
func put(ctx context.Context, q db.Querier, r record) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_recipient (member, recipient, entry, said_us) VALUES ($1, $2, $3, $4)
		ON CONFLICT (member) DO UPDATE SET recipient = excluded.recipient, entry = excluded.entry, said_us = excluded.said_us
		WHERE custody_recipient.entry <= excluded.entry`, string(r.member), r.recipient, r.entry, int64(r.said))
	return err
}

// takeBack drops what was published from an index on.
func takeBack(ctx context.Context, q db.Querier, member core.MemberID, from int64) error {
	_, err := db.Exec(ctx, q, `DELETE FROM custody_recipient WHERE member = $1 AND entry >= $2`, string(member), from)
	return err
}

func get(ctx context.Context, q db.Querier, member core.MemberID) (string, error) {
	text, err := db.One(ctx, q, db.Text, `SELECT recipient FROM custody_recipient WHERE member = $1`, string(member))
	if errors.Is(err, db.ErrNoRow) {
		return "", core.NotFound("custody.recipient.none", err).With("Member", string(member))
	}
	return text, err
}
