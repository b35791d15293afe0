package wave

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

type state string

const (
	stateSending state = "sending" // being sent; after a kill: nobody knows
	stateSent    state = "sent"
	stateFailed  state = "failed" // tried again
	stateGivenUp state = "given-up"
)

// key names a mail.
type key struct{ service, wave, person string }

// claim notes that this process sends a mail now; another state than stateSending leaves it to
// others, or to later.
func claim(ctx context.Context, q db.Querier, k key, now core.Moment) (st state, tries int64, err error) {
	n, err := db.Exec(ctx, q, `INSERT INTO succession_wave (service, wave, person, state, tries, due_us) VALUES ($1, $2, $3, 'sending', 1, 0)
		ON CONFLICT (service, wave, person) DO NOTHING`, k.service, k.wave, k.person)
	if err != nil || n == 1 {
		return stateSending, 1, err
	}
	n, err = db.Exec(ctx, q, `UPDATE succession_wave SET state = 'sending', tries = tries + 1
		WHERE service = $1 AND wave = $2 AND person = $3 AND state = 'failed' AND due_us <= $4`, k.service, k.wave, k.person, int64(now))
	if err != nil {
		return "", 0, err
	}
	type found struct {
		state state
		tries int64
	}
	f, err := db.One(ctx, q, func(r db.Row) (f found, err error) { return f, r.Scan(&f.state, &f.tries) },
		`SELECT state, tries FROM succession_wave WHERE service = $1 AND wave = $2 AND person = $3`, k.service, k.wave, k.person)
	if n == 0 && f.state == stateSending {
		f.state = stateSent // another process has it, or a killed one had
	}
	return f.state, f.tries, err
}

func settle(ctx context.Context, q db.Querier, k key, s state, due core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE succession_wave SET state = $4, due_us = $5 WHERE service = $1 AND wave = $2 AND person = $3`, k.service, k.wave, k.person, string(s), int64(due))
	return err
}

func begin(ctx context.Context, q db.Querier, service, wave string, now core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_wave_begun (service, wave, begun_us, done_us) VALUES ($1, $2, $3, 0) ON CONFLICT (service, wave) DO NOTHING`, service, wave, int64(now))
	return err
}

func finish(ctx context.Context, q db.Querier, service, wave string, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE succession_wave_begun SET done_us = $3 WHERE service = $1 AND wave = $2`, service, wave, int64(now))
	return err
}

func isDone(ctx context.Context, q db.Querier, service, wave string) (bool, error) {
	done, err := db.One(ctx, q, db.Int64, `SELECT done_us FROM succession_wave_begun WHERE service = $1 AND wave = $2`, service, wave)
	if errors.Is(err, db.ErrNoRow) {
		return false, nil
	}
	return done > 0, err
}

func counts(ctx context.Context, q db.Querier, service string) ([]Counts, error) {
	return db.All(ctx, q, func(r db.Row) (c Counts, err error) {
		var done int64
		err = r.Scan(&c.Wave, &done, &c.Sent, &c.Waiting, &c.Unsure, &c.GivenUp)
		c.Done = done > 0
		return c, err
	}, `SELECT b.wave, b.done_us,
		  coalesce(sum(CASE WHEN w.state = 'sent' THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN w.state = 'failed' THEN 1 ELSE 0 END), 0),
		  coalesce(sum(CASE WHEN w.state = 'sending' THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN w.state = 'given-up' THEN 1 ELSE 0 END), 0)
		FROM succession_wave_begun b LEFT JOIN succession_wave w ON w.service = b.service AND w.wave = b.wave
		WHERE b.service = $1 GROUP BY b.wave, b.done_us, b.begun_us ORDER BY b.begun_us, b.wave`, service)
}
