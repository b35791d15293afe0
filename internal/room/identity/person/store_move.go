package person

import (
	"context"
	"errors"

	"entrechat/internal/kit/db"
)

// relocate writes where a person's account is, what they are called, and their roles.
func relocate(ctx context.Context, q db.Querier, p Person) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_person SET kind = $2, handle = $3, roles = $4 WHERE id = $1`,
		string(p.ID), string(p.Kind), p.Handle, rolesText(p.Roles))
	return err
}

// ownerOf is whose a handle is or was; empty = nobody's.
func ownerOf(ctx context.Context, q db.Querier, handle string) (ID, error) {
	id, err := db.One(ctx, q, db.Text, `SELECT person FROM identity_handle WHERE handle = $1`, handle)
	if errors.Is(err, db.ErrNoRow) {
		return "", nil
	}
	return ID(id), err
}
