package peer

import (
	"context"
	"embed"
	"errors"
	"io/fs"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the kit's tables, for db.Migrate under the name "peer".
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// aheadOf is up to when a member has signed ahead of our clock; 0 = never.
func aheadOf(ctx context.Context, d *db.DB, member core.MemberID) (core.Moment, error) {
	until, err := db.One(ctx, d, func(r db.Row) (m core.Moment, err error) { return m, r.Scan(&m) },
		`SELECT until_us FROM peer_ahead WHERE member = $1`, string(member))
	if errors.Is(err, db.ErrNoRow) {
		return 0, nil
	}
	return until, err
}

// putAhead raises that moment.
func putAhead(ctx context.Context, d *db.DB, member core.MemberID, until core.Moment) error {
	_, err := db.Exec(ctx, d, `INSERT INTO peer_ahead (member, until_us) VALUES ($1, $2)
		ON CONFLICT (member) DO UPDATE SET until_us = $2 WHERE peer_ahead.until_us < $2`, string(member), int64(until))
	return err
}
