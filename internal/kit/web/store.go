package web

import (
	"context"
	"embed"
	"io/fs"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the kit's tables, for db.Migrate under the name "web".
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err)
	}
	return sub
}

func insertLink(ctx context.Context, d *db.DB, hash string, made, expires core.Moment) error {
	return d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := forget(ctx, q, made); err != nil {
			return err
		}
		_, err := db.Exec(ctx, q, `INSERT INTO web_link (hash, made_us, expires_us) VALUES ($1, $2, $3)`, hash, made, expires)
		return err
	})
}

// session is one person's stay in the admin's half.
type session struct {
	hash          string
	made, expires core.Moment
}

// useLink takes a link away and opens a session in its place; false when no such
// link is open any more.
func useLink(ctx context.Context, d *db.DB, link string, s session) (used bool, err error) {
	err = d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		n, err := db.Exec(ctx, q, `DELETE FROM web_link WHERE hash = $1 AND expires_us > $2`, link, s.made)
		used = n == 1
		if err != nil || !used {
			return err
		}
		if err := forget(ctx, q, s.made); err != nil {
			return err
		}
		_, err = db.Exec(ctx, q, `INSERT INTO web_session (hash, made_us, expires_us) VALUES ($1, $2, $3)`, s.hash, s.made, s.expires)
		return err
	})
	return used && err == nil, err
}

// forget drops what has expired.
func forget(ctx context.Context, q db.Querier, now core.Moment) error {
	if _, err := db.Exec(ctx, q, `DELETE FROM web_link WHERE expires_us <= $1`, now); err != nil {
		return err
	}
	_, err := db.Exec(ctx, q, `DELETE FROM web_session WHERE expires_us <= $1`, now)
	return err
}

func sessionOpen(ctx context.Context, q db.Querier, hash string, now core.Moment) (bool, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM web_session WHERE hash = $1 AND expires_us > $2`, hash, now)
	return n > 0, err
}

func deleteSession(ctx context.Context, q db.Querier, hash string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM web_session WHERE hash = $1`, hash)
	return err
}

// deleteAll ends every session and every link; it says how many sessions.
func deleteAll(ctx context.Context, d *db.DB) (ended int64, err error) {
	err = d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := db.Exec(ctx, q, `DELETE FROM web_link`); err != nil {
			return err
		}
		ended, err = db.Exec(ctx, q, `DELETE FROM web_session`)
		return err
	})
	return ended, err
}
