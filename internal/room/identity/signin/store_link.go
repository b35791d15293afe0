package signin

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

func insertToken(ctx context.Context, q db.Querier, hash string, t token) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_token (hash, kind, person, address, made_us, expires_us) VALUES ($1, $2, $3, $4, $5, $6)`,
		hash, string(t.kind), string(t.person), t.address, int64(t.made), int64(t.expires))
	return err
}

func tokenOf(ctx context.Context, q db.Querier, hash string, now core.Moment) (token, error) {
	return db.One(ctx, q, func(r db.Row) (t token, err error) { return t, r.Scan(&t.kind, &t.person, &t.address) },
		`SELECT kind, person, address FROM identity_token WHERE hash = $1 AND expires_us > $2`, hash, int64(now))
}

// endToken takes a token away; false: it is not there any more.
func endToken(ctx context.Context, q db.Querier, hash string, now core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `DELETE FROM identity_token WHERE hash = $1 AND expires_us > $2`, hash, int64(now))
	return n == 1, err
}

func dropTokens(ctx context.Context, q db.Querier, who person.ID, kind tokenKind) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_token WHERE person = $1 AND kind = $2`, string(who), string(kind))
	return err
}

const mailColumns = `id, kind, person, address, lang, failed, made_us, next_us`

func scanMail(r db.Row) (m mail, err error) {
	return m, r.Scan(&m.id, &m.kind, &m.person, &m.address, &m.lang, &m.failed, &m.made, &m.due)
}

func insertMail(ctx context.Context, q db.Querier, m mail) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_mail (`+mailColumns+`, state) VALUES ($1, $2, $3, $4, $5, 0, $6, $7, 'open')`,
		m.id, string(m.kind), string(m.person), m.address, m.lang, int64(m.made), int64(m.due))
	return err
}

// mailsSince counts the mails to one address since a moment, and all since another.
func mailsSince(ctx context.Context, q db.Querier, address string, one, all core.Moment) (ofOne, ofAll int64, err error) {
	if ofOne, err = db.One(ctx, q, db.Int64, `SELECT count(*) FROM identity_mail WHERE address = $1 AND made_us > $2`, address, int64(one)); err != nil {
		return 0, 0, err
	}
	ofAll, err = db.One(ctx, q, db.Int64, `SELECT count(*) FROM identity_mail WHERE made_us > $1`, int64(all))
	return ofOne, ofAll, err
}

func mailWaits(ctx context.Context, q db.Querier, who person.ID, kind mailKind) (bool, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM identity_mail WHERE person = $1 AND kind = $2 AND state = 'open'`, string(who), string(kind))
	return n > 0, err
}

func dueMails(ctx context.Context, q db.Querier, now core.Moment, limit int) ([]mail, error) {
	return db.All(ctx, q, scanMail, `SELECT `+mailColumns+` FROM identity_mail WHERE state = 'open' AND next_us <= $1 ORDER BY next_us, id LIMIT $2`, int64(now), limit)
}

// claimMail counts a try and says when the next one is; false: somebody else sends it.
func claimMail(ctx context.Context, q db.Querier, m mail, next core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE identity_mail SET failed = failed + 1, next_us = $3 WHERE id = $1 AND state = 'open' AND failed = $2`,
		m.id, m.failed, int64(next))
	return n == 1, err
}

func endMail(ctx context.Context, q db.Querier, id, state string) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_mail SET state = $2 WHERE id = $1 AND state = 'open'`, id, state)
	return err
}

func dropMails(ctx context.Context, q db.Querier, who person.ID, kind mailKind) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_mail SET state = 'dropped' WHERE person = $1 AND kind = $2 AND state = 'open'`, string(who), string(kind))
	return err
}

func insertRequest(ctx context.Context, q db.Querier, who person.ID, text string, now core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_request (person, text, made_us) VALUES ($1, $2, $3)`, string(who), text, int64(now))
	return err
}

func requestOf(ctx context.Context, q db.Querier, who person.ID) (string, error) {
	return db.One(ctx, q, db.Text, `SELECT text FROM identity_request WHERE person = $1`, string(who))
}

func dropRequest(ctx context.Context, q db.Querier, who person.ID) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_request WHERE person = $1`, string(who))
	return err
}
