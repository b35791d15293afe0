package session

import (
	"context"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/person"
)

const columns = `s.id, s.person, s.home, s.amr, s.made_us, s.auth_us, s.seen_us, s.network, s.agent`

func scan(r db.Row) (s Session, err error) {
	var amr string
	err = r.Scan(&s.ID, &s.Person, &s.Home, &amr, &s.Made, &s.Auth, &s.Seen, &s.Network, &s.Agent)
	s.AMR = strings.Fields(amr)
	return s, err
}

func insert(ctx context.Context, q db.Querier, hash string, s Session) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_session (id, hash, person, home, amr, made_us, auth_us, seen_us, network, agent)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		s.ID, hash, string(s.Person), string(s.Home), strings.Join(s.AMR, " "), int64(s.Made), int64(s.Auth), int64(s.Seen), s.Network, s.Agent)
	return err
}

// byHash finds a session of a person who may sign in: who is suspended or has left is out at
// once, whoever forgot to end their sessions.
func byHash(ctx context.Context, q db.Querier, hash string) (Session, error) {
	return db.One(ctx, q, scan, `SELECT `+columns+` FROM identity_session s JOIN identity_person p ON p.id = s.person
		WHERE s.hash = $1 AND p.status = $2`, hash, string(person.Active))
}

func of(ctx context.Context, q db.Querier, who person.ID) ([]Session, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM identity_session s WHERE s.person = $1 ORDER BY s.seen_us DESC, s.id`, string(who))
}

func lives(ctx context.Context, q db.Querier, id string) (bool, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM identity_session WHERE id = $1`, id)
	return n > 0, err
}

func touch(ctx context.Context, q db.Querier, id string, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_session SET seen_us = $2 WHERE id = $1 AND seen_us < $2`, id, int64(now))
	return err
}

func remove(ctx context.Context, q db.Querier, id string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_session WHERE id = $1`, id)
	return err
}

func forget(ctx context.Context, q db.Querier, seen, made core.Moment) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_session WHERE seen_us <= $1 OR made_us <= $2`, int64(seen), int64(made))
	return err
}

// lastSeen is when a person last used a session that is there still, and last signed in.
func lastSeen(ctx context.Context, q db.Querier, who person.ID) (used, signed core.Moment, err error) {
	seen, err := db.One(ctx, q, func(r db.Row) (both [2]core.Moment, err error) { return both, r.Scan(&both[0], &both[1]) },
		`SELECT coalesce((SELECT max(seen_us) FROM identity_session WHERE person = $1), 0),
			coalesce((SELECT at_us FROM identity_audit WHERE person = $1 AND kind = $2 ORDER BY number DESC LIMIT 1), 0)`,
		string(who), string(audit.SignedIn))
	return seen[0], seen[1], err
}
