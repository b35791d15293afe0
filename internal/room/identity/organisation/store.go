package organisation

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

const selectOrganisation = `SELECT handle, name, made_us, (SELECT count(*) FROM identity_membership WHERE organisation = handle) FROM identity_organisation `

func scan(r db.Row) (o Organisation, err error) {
	return o, r.Scan(&o.Handle, &o.Name, &o.Made, &o.People)
}

func insert(ctx context.Context, q db.Querier, o Organisation) (bool, error) {
	n, err := db.Exec(ctx, q, `INSERT INTO identity_organisation (handle, name, made_us) VALUES ($1, $2, $3) ON CONFLICT (handle) DO NOTHING`,
		o.Handle, o.Name, int64(o.Made))
	return n == 1, err
}

func list(ctx context.Context, q db.Querier) ([]Organisation, error) {
	return db.All(ctx, q, scan, selectOrganisation+`ORDER BY handle`)
}

// get answers CodeNotFound "identity.organisation.none" for no row.
func get(ctx context.Context, q db.Querier, handle string) (Organisation, error) {
	o, err := db.One(ctx, q, scan, selectOrganisation+`WHERE handle = $1`, handle)
	if errors.Is(err, db.ErrNoRow) {
		return o, core.NotFound("identity.organisation.none", err).With("Handle", handle)
	}
	return o, err
}

func remove(ctx context.Context, q db.Querier, handle string) error {
	for _, statement := range []string{
		`DELETE FROM identity_access WHERE organisation = $1`,
		`DELETE FROM identity_membership WHERE organisation = $1`,
		`DELETE FROM identity_organisation WHERE handle = $1`,
	} {
		if _, err := db.Exec(ctx, q, statement, handle); err != nil {
			return err
		}
	}
	return nil
}

const columns = `organisation, person, manager, since_us`

const selectMembership = `SELECT m.organisation, m.person, m.manager, m.since_us, p.handle FROM identity_membership m JOIN identity_person p ON p.id = m.person `

func scanMembership(r db.Row) (m Membership, err error) {
	return m, r.Scan(&m.Organisation, &m.Person, &m.Manager, &m.Since, &m.Handle)
}

func of(ctx context.Context, q db.Querier, who person.ID) ([]Membership, error) {
	return db.All(ctx, q, scanMembership, selectMembership+`WHERE m.person = $1 ORDER BY m.organisation`, string(who))
}

func members(ctx context.Context, q db.Querier, handle string) ([]Membership, error) {
	return db.All(ctx, q, scanMembership, selectMembership+`WHERE m.organisation = $1 ORDER BY p.handle`, handle)
}

func join(ctx context.Context, q db.Querier, m Membership) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_membership (`+columns+`) VALUES ($1, $2, $3, $4)
		ON CONFLICT (organisation, person) DO UPDATE SET manager = excluded.manager`, m.Organisation, string(m.Person), m.Manager, int64(m.Since))
	return err
}

func leave(ctx context.Context, q db.Querier, handle string, who person.ID) (bool, error) {
	n, err := db.Exec(ctx, q, `DELETE FROM identity_membership WHERE organisation = $1 AND person = $2`, handle, string(who))
	return n == 1, err
}

// Leave takes a person out of all organisations, for who closes an account.
func Leave(ctx context.Context, q db.Querier, who person.ID) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_membership WHERE person = $1`, string(who))
	return err
}

func only(ctx context.Context, q db.Querier, client string) ([]string, error) {
	return db.All(ctx, q, db.Text, `SELECT organisation FROM identity_access WHERE client = $1 ORDER BY organisation`, client)
}

func uses(ctx context.Context, q db.Querier, handle string) ([]string, error) {
	return db.All(ctx, q, db.Text, `SELECT client FROM identity_access WHERE organisation = $1 ORDER BY client`, handle)
}

// open reserves a service for an organisation; false where it was already.
func open(ctx context.Context, q db.Querier, client, handle string) (bool, error) {
	n, err := db.Exec(ctx, q, `INSERT INTO identity_access (client, organisation) VALUES ($1, $2) ON CONFLICT (client, organisation) DO NOTHING`, client, handle)
	return n == 1, err
}

func shut(ctx context.Context, q db.Querier, client, handle string) (bool, error) {
	n, err := db.Exec(ctx, q, `DELETE FROM identity_access WHERE client = $1 AND organisation = $2`, client, handle)
	return n == 1, err
}
