package broker

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

// away is a sign-in that was sent home.
type away struct {
	state, browser  string // SHA-256 in hex
	home            core.MemberID
	issuer          string
	nonce, verifier string
	address         string
	flow, next      string
	fresh           core.Moment
	until           core.Moment
}

func insertAway(ctx context.Context, q db.Querier, a away) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_broker_away (state, browser, home, issuer, nonce, verifier, address, flow, next, fresh_us, until_us)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		a.state, a.browser, string(a.home), a.issuer, a.nonce, a.verifier, a.address, a.flow, a.next, int64(a.fresh), int64(a.until))
	return err
}

// awayOf finds one of a browser. Returns db.ErrNoRow.
func awayOf(ctx context.Context, q db.Querier, state, browser string, now core.Moment) (away, error) {
	return db.One(ctx, q, func(r db.Row) (a away, err error) {
		return a, r.Scan(&a.state, &a.browser, &a.home, &a.issuer, &a.nonce, &a.verifier, &a.address, &a.flow, &a.next, &a.fresh, &a.until)
	}, `SELECT state, browser, home, issuer, nonce, verifier, address, flow, next, fresh_us, until_us FROM identity_broker_away
		WHERE state = $1 AND browser = $2 AND until_us > $3`, state, browser, int64(now))
}

// takeAway ends one; false when another request was first.
func takeAway(ctx context.Context, q db.Querier, state string) (bool, error) {
	n, err := db.Exec(ctx, q, `DELETE FROM identity_broker_away WHERE state = $1`, state)
	return n == 1, err
}

func countAway(ctx context.Context, q db.Querier) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM identity_broker_away`)
}

// pair is a session here and one at a home.
type pair struct {
	session string
	person  person.ID
	home    core.MemberID
	sub     string
	sid     string
	made    core.Moment
}

func putPair(ctx context.Context, q db.Querier, p pair) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_broker_session (session, person, home, sub, sid, made_us) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (session) DO UPDATE SET person = excluded.person, home = excluded.home, sub = excluded.sub, sid = excluded.sid, made_us = excluded.made_us`,
		p.session, string(p.person), string(p.home), p.sub, p.sid, int64(p.made))
	return err
}

// maxPairs bounds what one logout token ends.
const maxPairs = 1000

// pairsOf lists the sessions that go with one at a home (sid) or with all of a person (sub).
func pairsOf(ctx context.Context, q db.Querier, home core.MemberID, sub, sid string) ([]pair, error) {
	return db.All(ctx, q, func(r db.Row) (p pair, err error) {
		return p, r.Scan(&p.session, &p.person, &p.home, &p.sub, &p.sid, &p.made)
	}, `SELECT session, person, home, sub, sid, made_us FROM identity_broker_session
		WHERE home = $1 AND ($2 = '' OR sub = $2) AND ($3 = '' OR sid = $3) ORDER BY session LIMIT $4`, string(home), sub, sid, maxPairs)
}

func deletePair(ctx context.Context, q db.Querier, session string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_broker_session WHERE session = $1`, session)
	return err
}

// takeSeen notes the id of a logout token; false when it was taken before.
func takeSeen(ctx context.Context, q db.Querier, id string, until core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `INSERT INTO identity_broker_seen (id, until_us) VALUES ($1, $2) ON CONFLICT DO NOTHING`, id, int64(until))
	return n == 1, err
}

// forget drops what ended; sessions made before since have surely ended.
func forget(ctx context.Context, q db.Querier, now, since core.Moment) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_broker_away WHERE until_us <= $1`, int64(now))
	if err != nil {
		return err
	}
	if _, err = db.Exec(ctx, q, `DELETE FROM identity_broker_seen WHERE until_us <= $1`, int64(now)); err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `DELETE FROM identity_broker_session WHERE made_us <= $1`, int64(since))
	return err
}

// Consent is what a person agreed that a member is told. The zero value is nothing.
type Consent struct {
	Member core.MemberID
	Mail   bool // the mail address too
	At     core.Moment
}

func scanConsent(r db.Row) (c Consent, err error) { return c, r.Scan(&c.Member, &c.Mail, &c.At) }

func consentOf(ctx context.Context, q db.Querier, who person.ID, member core.MemberID) (Consent, bool, error) {
	c, err := db.One(ctx, q, scanConsent, `SELECT member, mail, at_us FROM identity_consent WHERE person = $1 AND member = $2`, string(who), string(member))
	if errors.Is(err, db.ErrNoRow) {
		return c, false, nil
	}
	return c, err == nil, err
}

func consents(ctx context.Context, q db.Querier, who person.ID) ([]Consent, error) {
	return db.All(ctx, q, scanConsent, `SELECT member, mail, at_us FROM identity_consent WHERE person = $1 ORDER BY member`, string(who))
}

func putConsent(ctx context.Context, q db.Querier, who person.ID, c Consent) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_consent (person, member, mail, at_us) VALUES ($1, $2, $3, $4)
		ON CONFLICT (person, member) DO UPDATE SET mail = excluded.mail, at_us = excluded.at_us`, string(who), string(c.Member), c.Mail, int64(c.At))
	return err
}

func deleteConsent(ctx context.Context, q db.Querier, who person.ID, member core.MemberID) (bool, error) {
	n, err := db.Exec(ctx, q, `DELETE FROM identity_consent WHERE person = $1 AND member = $2`, string(who), string(member))
	return n == 1, err
}

// ForgetPerson removes what a person agreed to, who leaves.
func ForgetPerson(ctx context.Context, q db.Querier, who person.ID) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_consent WHERE person = $1`, string(who))
	return err
}
