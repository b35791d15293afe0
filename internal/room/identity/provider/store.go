package provider

import (
	"context"
	"math"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

type flowRow struct {
	id, client, pushed, body string
	until                    core.Moment
}

// readFlow reads a flow that has not ended.
func readFlow(ctx context.Context, q db.Querier, where, value string, now core.Moment) (body string, err error) {
	return db.One(ctx, q, db.Text, `SELECT body FROM identity_oidc_flow WHERE `+where+` AND until_us > $2`, value, int64(now))
}

// putFlow writes a flow. One that was read before must still be there: errTwice.
func putFlow(ctx context.Context, q db.Querier, f flowRow, there bool) error {
	if !there {
		_, err := db.Exec(ctx, q, `INSERT INTO identity_oidc_flow (id, client, pushed, body, until_us) VALUES ($1, $2, $3, $4, $5)`, f.id, f.client, f.pushed, f.body, int64(f.until))
		return err
	}
	n, err := db.Exec(ctx, q, `UPDATE identity_oidc_flow SET body = $2, until_us = $3 WHERE id = $1`, f.id, f.body, int64(f.until))
	return once(n, err)
}

func deleteFlow(ctx context.Context, q db.Querier, id string) error {
	return once(db.Exec(ctx, q, `DELETE FROM identity_oidc_flow WHERE id = $1`, id))
}

// once turns "no row was changed" into errTwice.
func once(n int64, err error) error {
	if err == nil && n == 0 {
		return errTwice
	}
	return err
}

func countFlows(ctx context.Context, q db.Querier, now core.Moment) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM identity_oidc_flow WHERE until_us > $1`, int64(now))
}

func insertSeen(ctx context.Context, q db.Querier, id string, until core.Moment) error {
	return once(db.Exec(ctx, q, `INSERT INTO identity_oidc_seen (id, until_us) VALUES ($1, $2) ON CONFLICT DO NOTHING`, id, int64(until)))
}

type grantRow struct {
	id, client           string
	person               person.ID
	session              string
	offline              bool
	code, body           string
	used, revoked, until core.Moment
}

func scanGrant(r db.Row) (g grantRow, err error) {
	return g, r.Scan(&g.id, &g.client, &g.person, &g.used, &g.revoked, &g.body, &g.until)
}

func readGrant(ctx context.Context, q db.Querier, where, value string) (grantRow, error) {
	return db.One(ctx, q, scanGrant, `SELECT id, client, person, code_used_us, revoked_us, body, until_us FROM identity_oidc_grant WHERE `+where, value)
}

// insertGrant writes a grant whose code is used now, once: errTwice.
func insertGrant(ctx context.Context, q db.Querier, g grantRow, now core.Moment) error {
	return once(db.Exec(ctx, q, `INSERT INTO identity_oidc_grant (id, client, person, session, offline, code, code_used_us, revoked_us, body, until_us)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9) ON CONFLICT DO NOTHING`, g.id, g.client, string(g.person), g.session, g.offline, g.code, int64(now), g.body, int64(g.until)))
}

// useCode takes a grant's code, once.
func useCode(ctx context.Context, q db.Querier, id string, now core.Moment) error {
	return once(db.Exec(ctx, q, `UPDATE identity_oidc_grant SET code_used_us = $2 WHERE id = $1 AND code_used_us = 0 AND revoked_us = 0`, id, int64(now)))
}

func revokeGrant(ctx context.Context, q db.Querier, id string, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_oidc_grant SET revoked_us = $2 WHERE id = $1 AND revoked_us = 0`, id, int64(now))
	return err
}

type refreshRow struct {
	grant       string
	until, used core.Moment
}

func readRefresh(ctx context.Context, q db.Querier, hash string) (refreshRow, error) {
	return db.One(ctx, q, func(r db.Row) (f refreshRow, err error) { return f, r.Scan(&f.grant, &f.until, &f.used) },
		`SELECT grant_id, until_us, used_us FROM identity_oidc_refresh WHERE hash = $1`, hash)
}

// useRefresh takes a refresh token that was never used, or first used within grace.
func useRefresh(ctx context.Context, q db.Querier, hash string, now core.Moment, grace time.Duration) error {
	since := core.Moment(math.MaxInt64)
	if grace > 0 {
		since = now.Add(-grace)
	}
	return once(db.Exec(ctx, q, `UPDATE identity_oidc_refresh SET used_us = CASE WHEN used_us = 0 THEN CAST($2 AS BIGINT) ELSE used_us END
		WHERE hash = $1 AND (used_us = 0 OR used_us > $3)`, hash, int64(now), int64(since)))
}

func insertRefresh(ctx context.Context, q db.Querier, hash, grant string, now core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_oidc_refresh (hash, grant_id, made_us, until_us, used_us) VALUES ($1, $2, $3, $4, 0)`, hash, grant, int64(now), int64(now.Add(refreshLife)))
	return err
}

// readToken reads an access token with its grant.
func readToken(ctx context.Context, q db.Querier, hash string) (*goidc.Token, grantRow, error) {
	t := &goidc.Token{Format: goidc.TokenFormatOpaque, Type: goidc.TokenTypeBearer}
	g, err := db.One(ctx, q, func(r db.Row) (g grantRow, err error) {
		var made, until, revoked core.Moment
		err = r.Scan(&t.Scopes, &made, &until, &revoked, &g.id, &g.client, &g.person, &g.used, &g.revoked, &g.body, &g.until)
		t.CreatedAt, t.ExpiresAt, t.RevokedAt = int(made/1e6), int(until/1e6), int(revoked/1e6)
		return g, err
	}, `SELECT t.scopes, t.made_us, t.until_us, t.revoked_us, g.id, g.client, g.person, g.code_used_us, g.revoked_us, g.body, g.until_us
		FROM identity_oidc_token t JOIN identity_oidc_grant g ON g.id = t.grant_id WHERE t.hash = $1`, hash)
	t.GrantID, t.ClientID = g.id, g.client
	return t, g, err
}

func insertToken(ctx context.Context, q db.Querier, t *goidc.Token, hash string) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_oidc_token (hash, grant_id, client, scopes, made_us, until_us, revoked_us) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
		hash, t.GrantID, t.ClientID, t.Scopes, int64(t.CreatedAt)*1e6, int64(t.ExpiresAt)*1e6)
	return err
}

func revokeToken(ctx context.Context, q db.Querier, hash string, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_oidc_token SET revoked_us = $2 WHERE hash = $1 AND revoked_us = 0`, hash, int64(now))
	return err
}

// forget drops what ended.
func forget(ctx context.Context, q db.Querier, now, sessions core.Moment) error {
	for _, table := range []string{"identity_oidc_flow", "identity_oidc_grant", "identity_oidc_token", "identity_oidc_refresh", "identity_oidc_seen"} {
		if _, err := db.Exec(ctx, q, `DELETE FROM `+table+` WHERE until_us <= $1`, int64(now)); err != nil {
			return err
		}
	}
	_, err := db.Exec(ctx, q, `DELETE FROM identity_oidc_session WHERE since_us <= $1`, int64(sessions))
	return err
}

func putClientSession(ctx context.Context, q db.Querier, s clientSession) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_oidc_session (session, client, person, sub, sid, since_us) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (session, client) DO UPDATE SET since_us = excluded.since_us`, s.Session, s.Client, string(s.Person), s.Sub, s.SID, int64(s.Since))
	return err
}

// maxSessions bounds how many a person's end is spread to.
const maxSessions = 10_000

// ending is what ends: all of a session, all of a person, or what a person has at one client.
type ending struct {
	column, value string // of the tables of grants and sessions
	client        string // empty = at all of them
}

func clientSessions(ctx context.Context, q db.Querier, e ending) ([]clientSession, error) {
	return db.All(ctx, q, func(r db.Row) (s clientSession, err error) {
		return s, r.Scan(&s.Session, &s.Client, &s.Person, &s.Sub, &s.SID, &s.Since)
	}, `SELECT session, client, person, sub, sid, since_us FROM identity_oidc_session WHERE `+e.column+` = $1 AND ($2 = '' OR client = $2) ORDER BY session, client LIMIT $3`, e.value, e.client, maxSessions)
}

func deleteClientSessions(ctx context.Context, q db.Querier, e ending) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_oidc_session WHERE `+e.column+` = $1 AND ($2 = '' OR client = $2)`, e.value, e.client)
	return err
}

// revokeAll ends the grants that go with it.
func revokeAll(ctx context.Context, q db.Querier, e ending, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_oidc_grant SET revoked_us = $3 WHERE `+e.column+` = $1 AND ($2 = '' OR client = $2) AND revoked_us = 0`, e.value, e.client, int64(now))
	return err
}

func insertLogout(ctx context.Context, q db.Querier, l logout) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_oidc_logout (id, client, sub, sid, made_us, next_us, tries) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
		l.ID, l.Client, l.Sub, l.SID, int64(l.Made), int64(l.Next))
	return err
}

// waitingLogouts are those that clients were not told yet, by client.
func waitingLogouts(ctx context.Context, q db.Querier) ([]Waiting, error) {
	return db.All(ctx, q, func(r db.Row) (w Waiting, err error) { return w, r.Scan(&w.Client, &w.Count, &w.Since) },
		`SELECT client, count(*), min(made_us) FROM identity_oidc_logout GROUP BY client ORDER BY min(made_us), client`)
}

func dueLogouts(ctx context.Context, q db.Querier, now core.Moment, most int) ([]logout, error) {
	return db.All(ctx, q, func(r db.Row) (l logout, err error) {
		return l, r.Scan(&l.ID, &l.Client, &l.Sub, &l.SID, &l.Made, &l.Next, &l.Tries)
	}, `SELECT id, client, sub, sid, made_us, next_us, tries FROM identity_oidc_logout WHERE next_us <= $1 ORDER BY next_us, id LIMIT $2`, int64(now), most)
}

func laterLogout(ctx context.Context, q db.Querier, id string, next core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_oidc_logout SET next_us = $2, tries = tries + 1 WHERE id = $1`, id, int64(next))
	return err
}

// restLogout puts one off that was not tried.
func restLogout(ctx context.Context, q db.Querier, id string, next core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_oidc_logout SET next_us = $2 WHERE id = $1`, id, int64(next))
	return err
}

func deleteLogout(ctx context.Context, q db.Querier, id string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_oidc_logout WHERE id = $1`, id)
	return err
}
