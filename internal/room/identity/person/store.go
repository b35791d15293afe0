package person

import (
	"context"
	"errors"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

const columns = `id, handle, name, lang, kind, status, mail, choice, roles, made_us, ended_us`

func scan(r db.Row) (p Person, err error) {
	var roles string
	if err := r.Scan(&p.ID, &p.Handle, &p.Name, &p.Lang, &p.Kind, &p.Status, &p.Mail, &p.Choice, &roles, &p.Made, &p.Ended); err != nil {
		return p, err
	}
	for role := range strings.FieldsSeq(roles) {
		p.Roles = append(p.Roles, Role(role))
	}
	return p, nil
}

func rolesText(roles []Role) string {
	names := make([]string, 0, len(roles))
	for _, role := range roles {
		names = append(names, string(role))
	}
	return strings.Join(names, " ")
}

// takeHandle notes a handle as given; false: it was given before, to anybody.
func takeHandle(ctx context.Context, q db.Querier, handle string, id ID, now core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `INSERT INTO identity_handle (handle, person, since_us) VALUES ($1, $2, $3) ON CONFLICT (handle) DO NOTHING`,
		handle, string(id), int64(now))
	return n == 1, err
}

func insert(ctx context.Context, q db.Querier, p Person) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_person (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		string(p.ID), p.Handle, p.Name, p.Lang, string(p.Kind), string(p.Status), p.Mail, string(p.Choice), rolesText(p.Roles), int64(p.Made), int64(p.Ended))
	return err
}

// update writes what may change of a person: never id, handle or kind.
func update(ctx context.Context, q db.Querier, p Person) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_person SET name = $2, lang = $3, status = $4, mail = $5, choice = $6, roles = $7, ended_us = $8 WHERE id = $1`,
		string(p.ID), p.Name, p.Lang, string(p.Status), p.Mail, string(p.Choice), rolesText(p.Roles), int64(p.Ended))
	return err
}

// one answers CodeNotFound "identity.person.none" for no row.
func one(ctx context.Context, q db.Querier, where string, arg any) (Person, error) {
	p, err := db.One(ctx, q, scan, `SELECT `+columns+` FROM identity_person WHERE `+where, arg)
	if errors.Is(err, db.ErrNoRow) {
		return p, core.NotFound("identity.person.none", err)
	}
	return p, err
}

// page lists people in the order of their handles, after one, at most limit; kind and status
// narrow it. What people are called is compared by Filter.has: SQLite's lower() knows ASCII only.
func page(ctx context.Context, q db.Querier, f Filter) ([]Person, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM identity_person
		WHERE handle > $1 AND ($2 = '' OR status = $2) AND ($3 = '' OR kind = $3) AND status <> $5
		ORDER BY handle LIMIT $4`, f.After, string(f.Status), string(f.Kind), f.Limit, string(f.Not))
}

// Counts are how many people there are of one kind and status.
type Counts map[Kind]map[Status]int64

func counts(ctx context.Context, q db.Querier) (Counts, error) {
	type row struct {
		kind   Kind
		status Status
		n      int64
	}
	rows, err := db.All(ctx, q, func(r db.Row) (w row, err error) { return w, r.Scan(&w.kind, &w.status, &w.n) },
		`SELECT kind, status, count(*) FROM identity_person GROUP BY kind, status`)
	all := Counts{}
	for _, w := range rows {
		if all[w.kind] == nil {
			all[w.kind] = map[Status]int64{}
		}
		all[w.kind][w.status] = w.n
	}
	return all, err
}

func activeAdmins(ctx context.Context, q db.Querier) ([]Person, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM identity_person WHERE status = $1 AND ' ' || roles || ' ' LIKE '% admin %' ORDER BY handle`, string(Active))
}

func admins(ctx context.Context, q db.Querier) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM identity_person WHERE status = $1 AND ' ' || roles || ' ' LIKE '% admin %'`, string(Active))
}
