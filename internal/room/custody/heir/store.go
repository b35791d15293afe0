package heir

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/custody/ask"
)

// Voice is when an owner's node, words or people objected last to an ask that came here; 0 = never.
func Voice(ctx context.Context, q db.Querier, owner core.MemberID) (core.Moment, error) {
	at, err := db.One(ctx, q, db.Int64, `SELECT w.at_us FROM custody_ask_word w JOIN custody_ask a ON a.id = w.ask WHERE a.owner = $1 AND w.kind = $2 ORDER BY w.at_us DESC LIMIT 1`,
		string(owner), string(ask.Stop))
	if errors.Is(err, db.ErrNoRow) {
		return 0, nil
	}
	return core.Moment(at), err
}
