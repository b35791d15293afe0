package captcha

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// use writes that a challenge was solved, and forgets those that have ended; false: it was
// already.
func use(ctx context.Context, q db.Querier, id string, until, now core.Moment) (bool, error) {
	if _, err := db.Exec(ctx, q, `DELETE FROM identity_captcha WHERE until_us < $1`, int64(now)); err != nil {
		return false, err
	}
	n, err := db.Exec(ctx, q, `INSERT INTO identity_captcha (id, until_us) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, id, int64(until))
	return n == 1, err
}
