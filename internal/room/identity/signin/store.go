package signin

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

// step is a sign-in that waits for its second factor.
type step struct {
	person person.ID
	next   string // the page to go on to
	amr    string // what was proved so far, RFC 8176 names, joined by spaces
	tries  int64
}

func insertStep(ctx context.Context, q db.Querier, hash string, s step, expires core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_step (hash, person, next, amr, tries, expires_us) VALUES ($1, $2, $3, $4, 0, $5)`,
		hash, string(s.person), s.next, s.amr, int64(expires))
	return err
}

func stepOf(ctx context.Context, q db.Querier, hash string, now core.Moment) (step, error) {
	return db.One(ctx, q, func(r db.Row) (s step, err error) { return s, r.Scan(&s.person, &s.next, &s.amr, &s.tries) },
		`SELECT person, next, amr, tries FROM identity_step WHERE hash = $1 AND expires_us > $2`, hash, int64(now))
}

// tryStep counts one more try; false: there were as many as may be.
func tryStep(ctx context.Context, q db.Querier, hash string, most int64) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE identity_step SET tries = tries + 1 WHERE hash = $1 AND tries < $2`, hash, most)
	return n == 1, err
}

// endStep takes a step away; false: somebody else did.
func endStep(ctx context.Context, q db.Querier, hash string) (bool, error) {
	n, err := db.Exec(ctx, q, `DELETE FROM identity_step WHERE hash = $1`, hash)
	return n == 1, err
}

// forget drops what has run out, and mails from before a moment: what could not go out by then,
// as on a node without a mail server, is of no use to anybody any more.
func forget(ctx context.Context, q db.Querier, now, mailed core.Moment) error {
	for _, query := range []string{`DELETE FROM identity_step WHERE expires_us <= $1`, `DELETE FROM identity_token WHERE expires_us <= $1`} {
		if _, err := db.Exec(ctx, q, query, int64(now)); err != nil {
			return err
		}
	}
	_, err := db.Exec(ctx, q, `DELETE FROM identity_mail WHERE made_us <= $1`, int64(mailed))
	return err
}

// Forget removes what lies here of a person who leaves, before the account is closed: links
// and mails on their way, also those to the address, sign-ins begun, what they wrote to be
// let in.
func Forget(ctx context.Context, q db.Querier, p person.Person) error {
	for _, table := range []string{"identity_step", "identity_request"} {
		if _, err := db.Exec(ctx, q, `DELETE FROM `+table+` WHERE person = $1`, string(p.ID)); err != nil {
			return err
		}
	}
	for _, table := range []string{"identity_token", "identity_mail"} {
		if _, err := db.Exec(ctx, q, `DELETE FROM `+table+` WHERE person = $1 OR (address = $2 AND address <> '')`, string(p.ID), p.Mail); err != nil {
			return err
		}
	}
	return nil
}
