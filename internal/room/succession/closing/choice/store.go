package choice

import (
	"context"
	"errors"

	"entrechat/internal/kit/db"
)

func scanRow(r db.Row) (c row, err error) {
	return c, r.Scan(&c.person, &c.choice, &c.salt, &c.changed)
}

func put(ctx context.Context, q db.Querier, service string, r row) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_choice (service, person, choice, salt, changed_us) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (service, person) DO UPDATE SET choice = excluded.choice, salt = excluded.salt, changed_us = excluded.changed_us`,
		service, r.person, r.choice, r.salt, int64(r.changed))
	return err
}

// chosen is a person's own choice for a service; empty for none.
func chosen(ctx context.Context, q db.Querier, service, person string) (string, error) {
	r, err := db.One(ctx, q, scanRow, `SELECT person, choice, salt, changed_us FROM succession_choice WHERE service = $1 AND person = $2`, service, person)
	if errors.Is(err, db.ErrNoRow) {
		return "", nil
	}
	return r.choice, err
}

func rows(ctx context.Context, q db.Querier, service string) ([]row, error) {
	return db.All(ctx, q, scanRow, `SELECT person, choice, salt, changed_us FROM succession_choice WHERE service = $1`, service)
}

func scanLeaf(r db.Row) (l counted, err error) { return l, r.Scan(&l.person, &l.Choice, &l.Salt) }

func leaves(ctx context.Context, q db.Querier, service string) ([]counted, error) {
	return db.All(ctx, q, scanLeaf, `SELECT person, choice, salt FROM succession_leaf WHERE service = $1 ORDER BY place`, service)
}

func replace(ctx context.Context, q db.Querier, service string, all []counted) error {
	if _, err := db.Exec(ctx, q, `DELETE FROM succession_leaf WHERE service = $1`, service); err != nil {
		return err
	}
	for i, l := range all {
		if _, err := db.Exec(ctx, q, `INSERT INTO succession_leaf (service, place, person, choice, salt) VALUES ($1, $2, $3, $4, $5)`, service, i, l.person, l.Choice, l.Salt); err != nil {
			return err
		}
	}
	return nil
}
