package deadman

import (
	"context"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

const (
	keptPings    = 100                 // of a target, for people
	keptAway     = 40 * 24 * time.Hour // how long absences are known
	outAge       = 24 * time.Hour      // then nobody is told any more: the next ping has come
	heartbeatGap = 90 * time.Second    // without a heartbeat for so long we were away
	kindAway     = "away"              // of a line in watch_ping_out
)

// recordOf is what was heard of a target.
func recordOf(ctx context.Context, q db.Querier, owner core.MemberID, target string) (Record, error) {
	r, err := db.One(ctx, q, func(s db.Row) (r Record, err error) {
		var ran int64
		err = s.Scan(&r.Last, &r.Started, &r.Failed, &ran, &r.Code, &r.Via)
		r.Ran = time.Duration(ran) * time.Microsecond
		return r, err
	}, `SELECT last_us, started_us, failed_us, ran_us, code, via FROM watch_signal WHERE owner = $1 AND target = $2`, owner, target)
	if errors.Is(err, db.ErrNoRow) {
		return Record{}, nil
	}
	return r, err
}

// add takes a ping in, once: the record before and after it. Its line stays here only for
// targets of self; for others it waits until their owner was told.
func add(ctx context.Context, d *db.DB, self core.MemberID, p Ping, out []core.MemberID) (before, after Record, err error) {
	err = d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if before, err = recordOf(ctx, q, p.Owner, p.Target); err != nil {
			return err
		}
		after = before.With(p)
		if err := putRecord(ctx, q, p.Owner, p.Target, after); err != nil {
			return err
		}
		line := ""
		if p.Owner == self {
			line = p.Line
		}
		if _, err := db.Exec(ctx, q, `INSERT INTO watch_ping (owner, target, at_us, kind, via, code, bytes, line)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (owner, target, at_us, kind, via) DO NOTHING`,
			p.Owner, p.Target, p.At, string(p.Kind), p.Via, p.Code, p.Bytes, line); err != nil {
			return err
		}
		for _, m := range out {
			if line = ""; m == p.Owner {
				line = p.Line
			}
			if err := putOut(ctx, q, m, p, line); err != nil {
				return err
			}
		}
		return trim(ctx, q, p.Owner, p.Target)
	})
	return before, after, err
}

func putRecord(ctx context.Context, q db.Querier, owner core.MemberID, target string, r Record) error {
	_, err := db.Exec(ctx, q, `INSERT INTO watch_signal (owner, target, last_us, started_us, failed_us, ran_us, code, via)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (owner, target) DO UPDATE SET
		last_us = $3, started_us = $4, failed_us = $5, ran_us = $6, code = $7, via = $8`,
		owner, target, r.Last, r.Started, r.Failed, r.Ran.Microseconds(), r.Code, r.Via)
	return err
}

func putOut(ctx context.Context, q db.Querier, member core.MemberID, p Ping, line string) error {
	_, err := db.Exec(ctx, q, `INSERT INTO watch_ping_out (member, owner, target, at_us, kind, code, bytes, line)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (member, owner, target, at_us, kind) DO NOTHING`,
		member, p.Owner, p.Target, p.At, string(p.Kind), p.Code, p.Bytes, line)
	return err
}

// trim forgets all but the newest pings of a target.
func trim(ctx context.Context, q db.Querier, owner core.MemberID, target string) error {
	oldest, err := db.All(ctx, q, db.Int64, `SELECT at_us FROM watch_ping WHERE owner = $1 AND target = $2
		ORDER BY at_us DESC LIMIT 1 OFFSET $3`, owner, target, keptPings)
	if err != nil || len(oldest) == 0 {
		return err
	}
	_, err = db.Exec(ctx, q, `DELETE FROM watch_ping WHERE owner = $1 AND target = $2 AND at_us <= $3`, owner, target, oldest[0])
	return err
}

// recent are the newest pings of a target, the newest first.
func recent(ctx context.Context, q db.Querier, owner core.MemberID, target string, limit int) ([]Ping, error) {
	return db.All(ctx, q, func(s db.Row) (Ping, error) {
		p := Ping{Owner: owner, Target: target}
		return p, s.Scan(&p.At, &p.Kind, &p.Via, &p.Code, &p.Bytes, &p.Line)
	}, `SELECT at_us, kind, via, code, bytes, line FROM watch_ping WHERE owner = $1 AND target = $2 ORDER BY at_us DESC LIMIT $3`,
		owner, target, limit)
}

// outTo lists the members that are still to be told something.
func outTo(ctx context.Context, q db.Querier) ([]core.MemberID, error) {
	return db.All(ctx, q, func(s db.Row) (m core.MemberID, err error) { return m, s.Scan(&m) },
		`SELECT DISTINCT member FROM watch_ping_out ORDER BY member LIMIT 1000`)
}

// outOf is what a member is still to be told, the oldest first.
func outOf(ctx context.Context, q db.Querier, member core.MemberID, limit int) ([]Ping, error) {
	return db.All(ctx, q, func(s db.Row) (p Ping, err error) {
		return p, s.Scan(&p.Owner, &p.Target, &p.At, &p.Kind, &p.Code, &p.Bytes, &p.Line)
	}, `SELECT owner, target, at_us, kind, code, bytes, line FROM watch_ping_out WHERE member = $1 ORDER BY at_us LIMIT $2`, member, limit)
}

// told takes what a member was told out of the list.
func told(ctx context.Context, d *db.DB, member core.MemberID, all []Ping) error {
	return d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, p := range all {
			if _, err := db.Exec(ctx, q, `DELETE FROM watch_ping_out WHERE member = $1 AND owner = $2 AND target = $3 AND at_us = $4 AND kind = $5`,
				member, p.Owner, p.Target, p.At, string(p.Kind)); err != nil {
				return err
			}
		}
		return nil
	})
}

// heartbeat says that we are up now; for how long we were not, when we were away.
func heartbeat(ctx context.Context, d *db.DB, now core.Moment) (from core.Moment, away bool, err error) {
	err = d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		last, err := db.One(ctx, q, db.Int64, `SELECT at_us FROM watch_heartbeat WHERE id = 1`)
		if err != nil && !errors.Is(err, db.ErrNoRow) {
			return err
		}
		from, away = core.Moment(last), last > 0 && now.Sub(core.Moment(last)) > heartbeatGap
		_, err = db.Exec(ctx, q, `INSERT INTO watch_heartbeat (id, at_us) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at_us = $1`, now)
		return err
	})
	return from, away, err
}

// putAway notes that a member could hear nothing for a time.
func putAway(ctx context.Context, q db.Querier, member core.MemberID, from, to core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO watch_away (member, from_us, to_us) VALUES ($1, $2, $3)
		ON CONFLICT (member, from_us) DO UPDATE SET to_us = $3`, member, from, to)
	return err
}

// wasAway says whether a member was away at some moment of a time.
func wasAway(ctx context.Context, q db.Querier, member core.MemberID, from, to core.Moment) (bool, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM watch_away WHERE member = $1 AND from_us <= $3 AND to_us >= $2`, member, from, to)
	return n > 0, err
}

// prune forgets what is too old to matter.
func prune(ctx context.Context, d *db.DB, now core.Moment) error {
	if _, err := db.Exec(ctx, d, `DELETE FROM watch_ping_out WHERE at_us < $1`, now.Add(-outAge)); err != nil {
		return err
	}
	_, err := db.Exec(ctx, d, `DELETE FROM watch_away WHERE to_us < $1`, now.Add(-keptAway))
	return err
}

// forget removes what was heard of a target that is none of ours to hear any more.
func forget(ctx context.Context, d *db.DB, known func(core.MemberID, string) bool) error {
	type name struct {
		owner  core.MemberID
		target string
	}
	all, err := db.All(ctx, d, func(s db.Row) (n name, err error) { return n, s.Scan(&n.owner, &n.target) },
		`SELECT owner, target FROM watch_signal LIMIT 100000`)
	if err != nil {
		return err
	}
	for _, n := range all {
		if known(n.owner, n.target) {
			continue
		}
		for _, table := range []string{"watch_signal", "watch_ping", "watch_ping_out"} {
			if _, err := db.Exec(ctx, d, `DELETE FROM `+table+` WHERE owner = $1 AND target = $2`, n.owner, n.target); err != nil {
				return err
			}
		}
	}
	return nil
}
