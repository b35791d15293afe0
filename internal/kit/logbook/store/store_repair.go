package store

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook/format"
)

// PutDamage notes that a log is damaged; since when it is stays as it was first noted.
func PutDamage(ctx context.Context, q db.Querier, d Damage) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_damage (log, member, since_us, detail) VALUES ($1,$2,$3,$4)
		ON CONFLICT (log) DO UPDATE SET detail = excluded.detail`, d.Log, string(d.Member), int64(d.Since), d.Detail)
	return err
}

// ClearDamage notes that a log is sound.
func ClearDamage(ctx context.Context, q db.Querier, log string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM logbook_damage WHERE log = $1`, log)
	return err
}

// AllDamages lists the damaged logs by name.
func AllDamages(ctx context.Context, q db.Querier) ([]Damage, error) {
	return db.All(ctx, q, func(r db.Row) (d Damage, err error) {
		err = r.Scan(&d.Log, &d.Member, &d.Since, &d.Detail)
		return d, err
	}, `SELECT log, member, since_us, detail FROM logbook_damage ORDER BY log`)
}

// CountEntries counts the leaves of a log that stand within a tree of some size, and
// those that do not.
func CountEntries(ctx context.Context, q db.Querier, origin string, size int64) (inside, outside int64, err error) {
	all, err := db.One(ctx, q, db.Int64, `SELECT COUNT(*) FROM logbook_entry WHERE log = $1`, origin)
	if err != nil {
		return 0, 0, err
	}
	inside, err = db.One(ctx, q, db.Int64, `SELECT COUNT(*) FROM logbook_entry WHERE log = $1 AND idx >= 0 AND idx < $2`, origin, size)
	return inside, all - inside, err
}

// LeafBytes are the bytes of all leaves of a log, those in quarantine too.
func LeafBytes(ctx context.Context, q db.Querier, origin string) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT COALESCE((SELECT SUM(LENGTH(data)) FROM logbook_entry WHERE log = $1), 0)
		+ COALESCE((SELECT SUM(LENGTH(data)) FROM logbook_quarantine WHERE log = $1), 0)`, origin)
}

// DropStray moves leaves that stand outside of a log's tree into quarantine.
func DropStray(ctx context.Context, q db.Querier, l LogRow, now core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_quarantine (log, idx, moved_us, data)
		SELECT log, idx, CAST($3 AS BIGINT), data FROM logbook_entry WHERE log = $1 AND (idx < 0 OR idx >= $2)
		ON CONFLICT (log, idx, moved_us) DO NOTHING`, l.Origin, l.Tree.N, int64(now))
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `DELETE FROM logbook_entry WHERE log = $1 AND (idx < 0 OR idx >= $2)`, l.Origin, l.Tree.N)
	return err
}

// ReplaceEntry stores one leaf in the place of what stands there.
func ReplaceEntry(ctx context.Context, q db.Querier, origin string, s LeafRow) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_entry (log, idx, typ, data, received_us) VALUES ($1,$2,$3,$4,$5)
		ON CONFLICT (log, idx) DO UPDATE SET typ = excluded.typ, data = excluded.data`, origin, s.Index, s.Typ, s.Data, int64(s.Received))
	return err
}

// ReplaceTiles stores all tiles of a log anew.
func ReplaceTiles(ctx context.Context, q db.Querier, origin string, g Growth) error {
	if _, err := db.Exec(ctx, q, `DELETE FROM logbook_tile WHERE log = $1`, origin); err != nil {
		return err
	}
	return PutTiles(ctx, q, origin, g)
}

// RewindCursors has every reader told again from an index on: what stood there was
// not what the member said.
func RewindCursors(ctx context.Context, q db.Querier, id core.MemberID, index int64) error {
	_, err := db.Exec(ctx, q, `UPDATE logbook_cursor SET next = $2 WHERE member = $1 AND next > $2`, string(id), index)
	return err
}

// PutSound stores a repaired row, its base too, which otherwise never changes.
func PutSound(ctx context.Context, q db.Querier, l LogRow) error {
	if err := PutLog(ctx, q, l); err != nil {
		return err
	}
	_, err := db.Exec(ctx, q, `UPDATE logbook_log SET base = $2 WHERE origin = $1`, l.Origin, l.Base)
	return err
}

// PutRoot stores a member's root key, which otherwise never changes.
func PutRoot(ctx context.Context, q db.Querier, m MemberRow) error {
	_, err := db.Exec(ctx, q, `UPDATE logbook_member SET root = $2 WHERE id = $1`, string(m.ID), m.Root.String())
	return err
}

// KeySetEntries are the leaves of all logs of a member that are noted as key sets.
func KeySetEntries(ctx context.Context, q db.Querier, id core.MemberID) ([][]byte, error) {
	return db.All(ctx, q, scanBytes, `SELECT e.data FROM logbook_entry e JOIN logbook_log l ON l.origin = e.log
		WHERE l.member = $1 AND e.typ = $2 ORDER BY l.epoch, e.idx`, string(id), format.TypKeySet)
}

// Damage is a log that does not verify on this disk and could not be repaired.
type Damage struct {
	Log    string
	Member core.MemberID
	Since  core.Moment
	Detail string // for programmers
}
