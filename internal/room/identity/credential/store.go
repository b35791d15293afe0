package credential

import (
	"context"
	"encoding/json"

	"github.com/go-webauthn/webauthn/webauthn"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

func putPassword(ctx context.Context, q db.Querier, who person.ID, hash string, now core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_password (person, hash, made_us, used_us) VALUES ($1, $2, $3, 0)
		ON CONFLICT (person) DO UPDATE SET hash = excluded.hash, made_us = excluded.made_us, used_us = 0`, string(who), hash, int64(now))
	return err
}

func getPassword(ctx context.Context, q db.Querier, who person.ID) (string, error) {
	return db.One(ctx, q, db.Text, `SELECT hash FROM identity_password WHERE person = $1`, string(who))
}

func findPassword(ctx context.Context, q db.Querier, hash string) (person.ID, error) {
	id, err := db.One(ctx, q, db.Text, `SELECT person FROM identity_password WHERE hash = $1 AND substr(hash, 1, 6) = '{LDAP}'`, hash)
	return person.ID(id), err
}

// renewal is a hash and what takes its place; the same where nothing does.
type renewal struct{ old, made string }

// usedPassword writes that a hash was used, and the one that takes its place, unless it was
// changed since it was read.
func usedPassword(ctx context.Context, q db.Querier, who person.ID, h renewal, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_password SET hash = $3, used_us = $4 WHERE person = $1 AND hash = $2`, string(who), h.old, h.made, int64(now))
	return err
}

func deletePassword(ctx context.Context, q db.Querier, who person.ID) (bool, error) {
	n, err := db.Exec(ctx, q, `DELETE FROM identity_password WHERE person = $1`, string(who))
	return n == 1, err
}

// countWays counts what a person can begin a sign-in with.
func countWays(ctx context.Context, q db.Querier, who person.ID) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT (SELECT count(*) FROM identity_password WHERE person = $1) +
		(SELECT count(*) FROM identity_passkey WHERE person = $1)`, string(who))
}

func getWays(ctx context.Context, q db.Querier, who person.ID) (w Ways, err error) {
	return db.One(ctx, q, func(r db.Row) (w Ways, err error) {
		var passwords, outsides, totps int64
		err = r.Scan(&passwords, &outsides, &w.Since, &totps, &w.Recovery)
		w.Password, w.Outside, w.TOTP = passwords > 0, outsides > 0, totps > 0
		return w, err
	}, `SELECT (SELECT count(*) FROM identity_password WHERE person = $1),
		(SELECT count(*) FROM identity_password WHERE person = $1 AND substr(hash, 1, 6) = '{LDAP}'),
		coalesce((SELECT made_us FROM identity_password WHERE person = $1), 0),
		(SELECT count(*) FROM identity_totp WHERE person = $1 AND confirmed),
		(SELECT count(*) FROM identity_recovery WHERE person = $1)`, string(who))
}

// totp is the stored half of a person's one-time codes.
type totp struct {
	secret    []byte // sealed
	confirmed bool
	step      int64 // the last time step that was used
}

func putTOTP(ctx context.Context, q db.Querier, who person.ID, secret []byte, now core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `INSERT INTO identity_totp (person, secret, confirmed, step, made_us) VALUES ($1, $2, FALSE, 0, $3)
		ON CONFLICT (person) DO UPDATE SET secret = excluded.secret, made_us = excluded.made_us WHERE NOT identity_totp.confirmed`,
		string(who), secret, int64(now))
	return n == 1, err
}

func getTOTP(ctx context.Context, q db.Querier, who person.ID) (totp, error) {
	return db.One(ctx, q, func(r db.Row) (t totp, err error) {
		return t, r.Scan(&t.secret, &t.confirmed, &t.step)
	}, `SELECT secret, confirmed, step FROM identity_totp WHERE person = $1`, string(who))
}

// useTOTP writes that a time step was used; false: it was already, or the secret is
// another one by now.
func useTOTP(ctx context.Context, q db.Querier, who person.ID, t totp, step int64) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE identity_totp SET step = $3, confirmed = TRUE WHERE person = $1 AND secret = $2 AND step < $3`,
		string(who), t.secret, step)
	return n == 1, err
}

// confirmTOTP begins to ask for codes of a secret that was confirmed elsewhere.
func confirmTOTP(ctx context.Context, q db.Querier, who person.ID) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_totp SET confirmed = TRUE WHERE person = $1`, string(who))
	return err
}

func deleteTOTP(ctx context.Context, q db.Querier, who person.ID) (bool, error) {
	n, err := db.Exec(ctx, q, `DELETE FROM identity_totp WHERE person = $1`, string(who))
	return n == 1, err
}

// sealedPeople are the first and the last who had a secret sealed.
func sealedPeople(ctx context.Context, q db.Querier) ([]person.ID, error) {
	return db.All(ctx, q, func(r db.Row) (id person.ID, err error) { return id, r.Scan(&id) },
		`SELECT person FROM identity_totp WHERE made_us = (SELECT min(made_us) FROM identity_totp)
			OR made_us = (SELECT max(made_us) FROM identity_totp) ORDER BY made_us LIMIT 10`)
}

func deleteRecovery(ctx context.Context, q db.Querier, who person.ID) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_recovery WHERE person = $1`, string(who))
	return err
}

func addRecovery(ctx context.Context, q db.Querier, who person.ID, hash string, now core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_recovery (person, hash, made_us) VALUES ($1, $2, $3)`, string(who), hash, int64(now))
	return err
}

func useRecovery(ctx context.Context, q db.Querier, who person.ID, hash string) (bool, error) {
	n, err := db.Exec(ctx, q, `DELETE FROM identity_recovery WHERE person = $1 AND hash = $2`, string(who), hash)
	return n == 1, err
}

func addPasskey(ctx context.Context, q db.Querier, who person.ID, p Passkey, c webauthn.Credential) error {
	record, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO identity_passkey (id, person, name, record, made_us, used_us, doubted_us) VALUES ($1, $2, $3, $4, $5, 0, 0)`,
		p.ID, string(who), p.Name, string(record), int64(p.Made))
	return err
}

func listPasskeys(ctx context.Context, q db.Querier, who person.ID) ([]Passkey, error) {
	return db.All(ctx, q, func(r db.Row) (p Passkey, err error) {
		return p, r.Scan(&p.ID, &p.Name, &p.Made, &p.Used, &p.Doubted)
	}, `SELECT id, name, made_us, used_us, doubted_us FROM identity_passkey WHERE person = $1 ORDER BY made_us, id LIMIT 1000`, string(who))
}

// records are the keys of a person's passkeys.
func records(ctx context.Context, q db.Querier, who person.ID) ([]webauthn.Credential, error) {
	return db.All(ctx, q, func(r db.Row) (c webauthn.Credential, err error) {
		var text string
		if err := r.Scan(&text); err != nil {
			return c, err
		}
		return c, json.Unmarshal([]byte(text), &c)
	}, `SELECT record FROM identity_passkey WHERE person = $1 ORDER BY made_us, id LIMIT 1000`, string(who))
}

func usedPasskey(ctx context.Context, q db.Querier, id string, c webauthn.Credential, now core.Moment) error {
	record, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `UPDATE identity_passkey SET record = $2, used_us = $3 WHERE id = $1`, id, string(record), int64(now))
	return err
}

func doubtPasskey(ctx context.Context, q db.Querier, id string, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_passkey SET doubted_us = $2 WHERE id = $1`, id, int64(now))
	return err
}

func renamePasskey(ctx context.Context, q db.Querier, who person.ID, id, name string) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE identity_passkey SET name = $3 WHERE person = $1 AND id = $2`, string(who), id, name)
	return n == 1, err
}

func deletePasskey(ctx context.Context, q db.Querier, who person.ID, id string) (bool, error) {
	n, err := db.Exec(ctx, q, `DELETE FROM identity_passkey WHERE person = $1 AND id = $2`, string(who), id)
	return n == 1, err
}

// endCeremony writes that a ceremony is over; false: it was already.
func endCeremony(ctx context.Context, q db.Querier, id string, until, now core.Moment) (bool, error) {
	if _, err := db.Exec(ctx, q, `DELETE FROM identity_ceremony WHERE until_us < $1`, int64(now)); err != nil {
		return false, err
	}
	n, err := db.Exec(ctx, q, `INSERT INTO identity_ceremony (id, until_us) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, id, int64(until))
	return n == 1, err
}

func forget(ctx context.Context, q db.Querier, who person.ID) error {
	for _, query := range []string{
		`DELETE FROM identity_password WHERE person = $1`,
		`DELETE FROM identity_totp WHERE person = $1`,
		`DELETE FROM identity_recovery WHERE person = $1`,
		`DELETE FROM identity_passkey WHERE person = $1`,
	} {
		if _, err := db.Exec(ctx, q, query, string(who)); err != nil {
			return err
		}
	}
	return nil
}
