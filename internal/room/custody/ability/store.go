package ability

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/custody/person"
)

func scanAbility(r db.Row) (a Ability, err error) {
	return a, r.Scan(&a.ID, &a.Service, &a.Kind, &a.Subject, &a.Made)
}

func insert(ctx context.Context, q db.Querier, a Ability) (fresh bool, err error) {
	n, err := db.Exec(ctx, q, `INSERT INTO custody_ability (id, service, kind, subject, made_us) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (service, kind, subject) DO NOTHING`, a.ID, a.Service, string(a.Kind), a.Subject, int64(a.Made))
	return n == 1, err
}

// list answers all abilities; there are at most maxAbilities.
func list(ctx context.Context, q db.Querier) ([]Ability, error) {
	return db.All(ctx, q, scanAbility, `SELECT id, service, kind, subject, made_us FROM custody_ability ORDER BY service, kind, subject`)
}

func get(ctx context.Context, q db.Querier, id string) (Ability, error) {
	a, err := db.One(ctx, q, scanAbility, `SELECT id, service, kind, subject, made_us FROM custody_ability WHERE id = $1`, id)
	if errors.Is(err, db.ErrNoRow) {
		return a, core.NotFound("custody.ability.none", err)
	}
	return a, err
}

func drop(ctx context.Context, q db.Querier, id string) error {
	for _, query := range []string{
		`DELETE FROM custody_ability WHERE id = $1`, `DELETE FROM custody_holding WHERE ability = $1`, `DELETE FROM custody_challenge WHERE ability = $1`,
	} {
		if _, err := db.Exec(ctx, q, query, id); err != nil {
			return err
		}
	}
	return nil
}

// hold notes a proof, unless a younger one is there.
func hold(ctx context.Context, q db.Querier, h Holding) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_holding (ability, person, proof, witness, evidence, proved_us) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (ability, person) DO UPDATE SET proof = excluded.proof, witness = excluded.witness, evidence = excluded.evidence, proved_us = excluded.proved_us
		WHERE custody_holding.proved_us <= excluded.proved_us`,
		h.Ability, string(h.Person), string(h.Proof), string(h.Witness), h.Evidence, int64(h.Proved))
	return err
}

func holdings(ctx context.Context, q db.Querier) ([]Holding, error) {
	return db.All(ctx, q, func(r db.Row) (h Holding, err error) {
		return h, r.Scan(&h.Ability, &h.Person, &h.Proof, &h.Witness, &h.Evidence, &h.Proved)
	}, `SELECT ability, person, proof, witness, evidence, proved_us FROM custody_holding ORDER BY ability, person`)
}

// forgetPerson removes what a person who leaves proved, and what was begun.
func forgetPerson(ctx context.Context, q db.Querier, id person.ID) error {
	for _, query := range []string{`DELETE FROM custody_holding WHERE person = $1`, `DELETE FROM custody_challenge WHERE person = $1`} {
		if _, err := db.Exec(ctx, q, query, string(id)); err != nil {
			return err
		}
	}
	return nil
}

const challengeColumns = `id, ability, person, before, token, expires_us`

func scanChallenge(r db.Row) (c Challenge, err error) {
	return c, r.Scan(&c.ID, &c.Ability, &c.Person, &c.Before, &c.Token, &c.Expires)
}

// begin notes a proof that begins; what is over goes.
func begin(ctx context.Context, q db.Querier, c Challenge, now core.Moment) error {
	if _, err := db.Exec(ctx, q, `DELETE FROM custody_challenge WHERE expires_us <= $1`, int64(now)); err != nil {
		return err
	}
	n, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM custody_challenge`)
	if err != nil {
		return err
	}
	if n >= maxOpen {
		return core.Full("custody.ability.too_many_open", errors.New("too many proofs were begun"))
	}
	_, err = db.Exec(ctx, q, `INSERT INTO custody_challenge (`+challengeColumns+`) VALUES ($1, $2, $3, $4, $5, $6)`,
		c.ID, c.Ability, string(c.Person), c.Before, c.Token, int64(c.Expires))
	return err
}

// challenge answers a proof that was begun and is not over, by its id or the hash of what was
// mailed.
func challenge(ctx context.Context, q db.Querier, id, token string, now core.Moment) (Challenge, error) {
	c, err := db.One(ctx, q, scanChallenge, `SELECT `+challengeColumns+` FROM custody_challenge
		WHERE (id = $1 AND $1 <> '' OR token = $2 AND $2 <> '') AND expires_us > $3`, id, token, int64(now))
	if errors.Is(err, db.ErrNoRow) {
		return c, core.NotFound("custody.ability.no_challenge", err)
	}
	return c, err
}

// end takes a proof that was begun away; false: somebody else was first.
func end(ctx context.Context, q db.Querier, id string) (bool, error) {
	n, err := db.Exec(ctx, q, `DELETE FROM custody_challenge WHERE id = $1`, id)
	return n == 1, err
}

// domain is what the registry said last.
type domain struct {
	name    string
	expires core.Moment
	asked   core.Moment
}

func putDomain(ctx context.Context, q db.Querier, d domain) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_domain (domain, expires_us, asked_us) VALUES ($1, $2, $3)
		ON CONFLICT (domain) DO UPDATE SET expires_us = excluded.expires_us, asked_us = excluded.asked_us`, d.name, int64(d.expires), int64(d.asked))
	return err
}

func domains(ctx context.Context, q db.Querier) ([]domain, error) {
	return db.All(ctx, q, func(r db.Row) (d domain, err error) { return d, r.Scan(&d.name, &d.expires, &d.asked) },
		`SELECT domain, expires_us, asked_us FROM custody_domain ORDER BY domain`)
}

func setting(ctx context.Context, q db.Querier, name string) (string, error) {
	v, err := db.One(ctx, q, db.Text, `SELECT value FROM custody_setting WHERE name = $1`, name)
	if errors.Is(err, db.ErrNoRow) {
		return "", nil
	}
	return v, err
}

func set(ctx context.Context, q db.Querier, name, value string) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}
