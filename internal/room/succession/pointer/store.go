package pointer

import (
	"context"
	"encoding/base64"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wire"
)

// Given is a pointer that an owner gave us.
type Given struct {
	Owner  core.MemberID `json:"owner"`
	Backup string        `json:"backup"`
	At     core.Moment   `json:"given_us"`

	sealed []byte
}

func scanGiven(r db.Row) (g Given, err error) {
	var sealed string
	if err := r.Scan(&g.Owner, &g.Backup, &sealed, &g.At); err != nil {
		return g, err
	}
	g.sealed, err = wire.Base64(sealed)
	return g, err
}

const columns = `owner, backup, sealed, given_us`

// put keeps a pointer in the place of the one before.
func put(ctx context.Context, q db.Querier, g Given) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_pointer (`+columns+`) VALUES ($1, $2, $3, $4)
		ON CONFLICT (owner, backup) DO UPDATE SET sealed = excluded.sealed, given_us = excluded.given_us`,
		string(g.Owner), g.Backup, base64.StdEncoding.EncodeToString(g.sealed), int64(g.At))
	return err
}

// get finds one. Returns CodeNotFound "succession.pointer.none".
func get(ctx context.Context, q db.Querier, owner core.MemberID, backup string) (Given, error) {
	g, err := db.One(ctx, q, scanGiven, `SELECT `+columns+` FROM succession_pointer WHERE owner = $1 AND backup = $2`, string(owner), backup)
	if errors.Is(err, db.ErrNoRow) {
		return g, core.NotFound("succession.pointer.none", err).With("Owner", string(owner)).With("Name", backup)
	}
	return g, err
}

// all lists them by owner and backup.
func all(ctx context.Context, q db.Querier) ([]Given, error) {
	return db.All(ctx, q, scanGiven, `SELECT `+columns+` FROM succession_pointer ORDER BY owner, backup`)
}
