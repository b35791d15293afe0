package person

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

const columns = `id, name, sign_key, recipient, account, household, mail, contacts, made_us, left_us`

// row is a card as it is stored, with what is sealed.
type row struct {
	Card
	mail, contacts []byte
}

func scan(r db.Row) (w row, err error) {
	return w, r.Scan(&w.ID, &w.Name, &w.Key, &w.Encrypt, &w.Account, &w.Household, &w.mail, &w.contacts, &w.Made, &w.Left)
}

func insert(ctx context.Context, q db.Querier, w row) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_person (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		string(w.ID), w.Name, w.Key, w.Encrypt, w.Account, w.Household, full(w.mail), full(w.contacts), int64(w.Made), int64(w.Left))
	return err
}

// full writes no bytes as none, never as NULL.
func full(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func get(ctx context.Context, q db.Querier, id ID) (row, error) {
	w, err := db.One(ctx, q, scan, `SELECT `+columns+` FROM custody_person WHERE id = $1`, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return w, core.NotFound("custody.person.none", err)
	}
	return w, err
}

// list answers every card, those who left too; they are few.
func list(ctx context.Context, q db.Querier) ([]row, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM custody_person ORDER BY left_us, lower(name), id`)
}

func setContacts(ctx context.Context, q db.Querier, id ID, contacts []byte) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_person SET contacts = $2 WHERE id = $1`, string(id), full(contacts))
	return err
}

// setMail answers CodeNotFound for nobody, and for who has left.
func setMail(ctx context.Context, q db.Querier, id ID, sealed []byte) error {
	n, err := db.Exec(ctx, q, `UPDATE custody_person SET mail = $2 WHERE id = $1 AND left_us = 0`, string(id), full(sealed))
	if err == nil && n == 0 {
		return core.NotFound("custody.person.none", errors.New("nobody here has this id"))
	}
	return err
}

// leave notes that a person left, and empties how the person is reached.
func leave(ctx context.Context, q db.Querier, id ID, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_person SET left_us = $2, account = '', household = '', mail = $3, contacts = $3 WHERE id = $1 AND left_us = 0`, string(id), int64(now), []byte{})
	return err
}

// forget empties the names of who left before a moment.
func forget(ctx context.Context, q db.Querier, before core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_person SET name = '' WHERE left_us > 0 AND left_us < $1 AND name <> ''`, int64(before))
	return err
}

func setRole(ctx context.Context, q db.Querier, d Duty) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_role (service, person, role) VALUES ($1, $2, $3)
		ON CONFLICT (service, person) DO UPDATE SET role = excluded.role`, d.Service, string(d.Person), string(d.Role))
	return err
}

func dropRole(ctx context.Context, q db.Querier, service string, id ID) error {
	_, err := db.Exec(ctx, q, `DELETE FROM custody_role WHERE service = $1 AND person = $2`, service, string(id))
	return err
}

func dropRoles(ctx context.Context, q db.Querier, id ID) error {
	_, err := db.Exec(ctx, q, `DELETE FROM custody_role WHERE person = $1`, string(id))
	return err
}

func duties(ctx context.Context, q db.Querier) ([]Duty, error) {
	return db.All(ctx, q, func(r db.Row) (d Duty, err error) { return d, r.Scan(&d.Service, &d.Person, &d.Role) },
		`SELECT service, person, role FROM custody_role ORDER BY service, role DESC, person LIMIT 10000`)
}
