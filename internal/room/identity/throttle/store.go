package throttle

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

func getTally(ctx context.Context, q db.Querier, key string) (tally, error) {
	t, err := db.One(ctx, q, func(r db.Row) (t tally, err error) {
		return t, r.Scan(&t.guesses, &t.last, &t.until)
	}, `SELECT guesses, last_us, until_us FROM identity_throttle WHERE key = $1`, key)
	if errors.Is(err, db.ErrNoRow) {
		return tally{}, nil
	}
	return t, err
}

func putTally(ctx context.Context, q db.Querier, key string, t tally) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_throttle (key, guesses, last_us, until_us) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET guesses = excluded.guesses, last_us = excluded.last_us, until_us = excluded.until_us`,
		key, t.guesses, int64(t.last), int64(t.until))
	return err
}

func dropTally(ctx context.Context, q db.Querier, key string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_throttle WHERE key = $1`, key)
	return err
}

// giveBack takes one guess off a tally, and the delay it made.
func giveBack(ctx context.Context, q db.Querier, key string) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_throttle SET guesses = guesses - 1, until_us = last_us WHERE key = $1 AND guesses > 0`, key)
	return err
}

// forget drops what is older than a moment, and the oldest of what is more than most.
func forget(ctx context.Context, q db.Querier, before core.Moment, most int64) error {
	if _, err := db.Exec(ctx, q, `DELETE FROM identity_throttle WHERE last_us < $1`, int64(before)); err != nil {
		return err
	}
	// Those of one moment go or stay together.
	_, err := db.Exec(ctx, q, `DELETE FROM identity_throttle WHERE last_us < (SELECT last_us FROM identity_throttle ORDER BY last_us DESC LIMIT 1 OFFSET $1)`, most)
	return err
}
