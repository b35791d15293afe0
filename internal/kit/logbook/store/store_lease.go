package store

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Lease is a node that says now and then that it runs on this database.
type Lease struct {
	Instance string
	Ask      string // another process wants to know whether it lives
}

func scanLease(r db.Row) (l Lease, err error) {
	err = r.Scan(&l.Instance, &l.Ask)
	return l, err
}

// GetLease reads the lease of a process; the second answer says whether it has one.
func GetLease(ctx context.Context, q db.Querier, instance string) (Lease, bool, error) {
	l, err := db.One(ctx, q, scanLease, `SELECT instance, ask FROM logbook_lease WHERE instance = $1`, instance)
	if errors.Is(err, db.ErrNoRow) {
		return l, false, nil
	}
	return l, err == nil, err
}

// GuardedSince lists leases, renewed since a moment, of nodes that passed the
// guard, the newest first.
func GuardedSince(ctx context.Context, q db.Querier, since core.Moment) ([]Lease, error) {
	return db.All(ctx, q, scanLease, `SELECT instance, ask FROM logbook_lease WHERE renewed_us >= $1 AND guarded = 1
		ORDER BY renewed_us DESC LIMIT 4`, int64(since))
}

// PutLease renews a lease and forgets those not renewed for an hour.
func PutLease(ctx context.Context, q db.Querier, instance string, now core.Moment, guarded bool) error {
	flag := 0
	if guarded {
		flag = 1
	}
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_lease (instance, renewed_us, guarded, ask) VALUES ($1,$2,$3,'')
		ON CONFLICT (instance) DO UPDATE SET renewed_us = excluded.renewed_us, guarded = excluded.guarded`, instance, int64(now), flag)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `DELETE FROM logbook_lease WHERE renewed_us < $1`, int64(now.Add(-time.Hour)))
	return err
}

// AskLease puts a question, unless one waits already: its answer is as good.
func AskLease(ctx context.Context, q db.Querier, instance, ask string) error {
	_, err := db.Exec(ctx, q, `UPDATE logbook_lease SET ask = $2 WHERE instance = $1 AND ask = ''`, instance, ask)
	return err
}

// AnswerLease takes a question away, which only the lease's holder does.
func AnswerLease(ctx context.Context, q db.Querier, instance, ask string) error {
	_, err := db.Exec(ctx, q, `UPDATE logbook_lease SET ask = '' WHERE instance = $1 AND ask = $2`, instance, ask)
	return err
}

// PutStop remembers why nothing may be appended until people act.
func PutStop(ctx context.Context, q db.Querier, reason, detail string, now core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_stop (reason, detail, since_us) VALUES ($1,$2,$3)
		ON CONFLICT (reason) DO NOTHING`, reason, detail, int64(now))
	return err
}

// Stops lists why nothing may be appended; none is the good case.
func Stops(ctx context.Context, q db.Querier) ([]string, error) {
	return db.All(ctx, q, db.Text, `SELECT reason FROM logbook_stop ORDER BY since_us`)
}

// ClearStops lets our own log be written again: the root key spoke.
func ClearStops(ctx context.Context, q db.Querier) error {
	_, err := db.Exec(ctx, q, `DELETE FROM logbook_stop`)
	return err
}

// Numbering names our numbering of changes, and the last one.
func Numbering(ctx context.Context, d *db.DB) (id string, last int64, err error) {
	_, err = db.One(ctx, d, func(r db.Row) (struct{}, error) { return struct{}{}, r.Scan(&id, &last) },
		`SELECT COALESCE((SELECT id FROM logbook_store WHERE one = 1), ''), COALESCE(MAX(seq), 0) FROM logbook_log`)
	if err != nil || id != "" {
		return id, last, err
	}
	if err := RenewNumbering(ctx, d); err != nil {
		return "", 0, err
	}
	return Numbering(ctx, d)
}

// RenewNumbering begins a new numbering: this database may be an older state of the
// one others asked before.
func RenewNumbering(ctx context.Context, q db.Querier) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_store (one, id) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET id = excluded.id`, rand.Text())
	return err
}

// StopFork is why nothing is appended until people act: two histories of our own
// log are signed.
const StopFork = "own_fork"

// AloneLease stands for an admin who confirmed that no mirror will answer.
const AloneLease = "alone"
