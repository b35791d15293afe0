package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// inTx marks the context of a running transaction of one database.
type inTx struct{ db *DB }

const (
	maxTries  = 20
	firstWait = 2 * time.Millisecond
	lastWait  = 250 * time.Millisecond
)

// Tx runs fn in one serializable transaction: committed when fn returns nil,
// rolled back when it returns an error or panics. PostgreSQL may let it lose a
// race and then runs fn again, up to 20 times, so fn must have no effect outside
// the database. fn uses the context it is given and writes only through q; a Tx
// inside a Tx is refused with CodeInternal.
//
// Returns fn's error, CodeUnsure when the database stayed busy, CodeFull when
// the disk is full. After any other error the commit may still have happened
// (the line broke while it was being confirmed): let operations carry ids.
func (d *DB) Tx(ctx context.Context, fn func(ctx context.Context, q Querier) error) error {
	wait := firstWait
	for try := 1; ; try++ {
		err := d.once(ctx, fn)
		if err == nil || kindOf(err) != again || try == maxTries {
			return edge(err)
		}
		if err := pause(ctx, wait/2+rand.N(wait)); err != nil { //nolint:gosec // spreading retries wants no secrecy
			return err
		}
		wait = min(2*wait, lastWait)
	}
}

func (d *DB) once(ctx context.Context, fn func(ctx context.Context, q Querier) error) error {
	leave, err := d.admit(ctx)
	if err != nil {
		return err
	}
	defer leave()
	release, err := d.turn(ctx)
	if err != nil {
		return err
	}
	defer release()
	options := &sql.TxOptions{}
	if d.engine == Postgres {
		options.Isolation = sql.LevelSerializable
	}
	tx, err := d.pool.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	done := false
	defer func() {
		if !done { // fn panicked
			_ = tx.Rollback()
		}
	}()
	err = fn(context.WithValue(ctx, inTx{d}, true), tx)
	done = true
	if err != nil {
		if back := tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			return errors.Join(err, fmt.Errorf("roll back: %w", back))
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
