package home

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

// record is a card as the table holds it.
type record struct {
	Card
	member core.MemberID
	entry  int64
	said   core.Moment
	shut   core.Moment
	reason string
	damage error // why the row cannot be read; nil = it can
}

const selectHome = `SELECT h.member, h.issuer, h.keys, h.federation, h.mail, h.entry, h.said_us, coalesce(s.at_us, 0), coalesce(s.reason, '')
	FROM identity_home h LEFT JOIN identity_home_shut s ON s.member = h.member `

// scan reads one row of db.All, twice where a column holds what it cannot: then it says of
// whom it is, and damage why no more.
func scan(r db.Row) (c record, err error) {
	var keys, federation, mail string
	if err := r.Scan(&c.member, &c.Issuer, &keys, &federation, &mail, &c.entry, &c.said, &c.shut, &c.reason); err != nil {
		c.damage = err
		var rest [8]any
		if again := r.Scan(&c.member, &rest[0], &rest[1], &rest[2], &rest[3], &rest[4], &rest[5], &rest[6], &rest[7]); again != nil {
			return c, err // the database does not answer
		}
		return c, nil
	}
	c.Domains = strings.Fields(mail)
	_, bad := issuer(c.Issuer, true)
	c.damage = errors.Join(bad, json.Unmarshal([]byte(federation), &c.Federation), json.Unmarshal([]byte(keys), &c.Keys))
	if c.damage == nil && len(c.Keys.Keys) == 0 {
		c.damage = errors.New("no keys")
	}
	return c, nil
}

// put keeps a card, unless a later one is kept already.
func put(ctx context.Context, q db.Querier, c record) error {
	keys, err := json.Marshal(c.Keys)
	if err != nil {
		return err
	}
	federation, err := json.Marshal(c.Federation)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO identity_home (member, issuer, keys, federation, mail, entry, said_us) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (member) DO UPDATE SET issuer = excluded.issuer, keys = excluded.keys, federation = excluded.federation, mail = excluded.mail,
			entry = excluded.entry, said_us = excluded.said_us
		WHERE identity_home.entry <= excluded.entry`,
		string(c.member), c.Issuer, string(keys), string(federation), strings.Join(c.Domains, " "), c.entry, int64(c.said))
	return err
}

// takeBack drops a card that was written from an index on.
func takeBack(ctx context.Context, q db.Querier, member core.MemberID, from int64) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_home WHERE member = $1 AND entry >= $2`, string(member), from)
	return err
}

// drop forgets a card.
func drop(ctx context.Context, q db.Querier, member core.MemberID) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_home WHERE member = $1`, string(member))
	return err
}

// get answers CodeNotFound "identity.home.none" for no row, CodeInternal
// "identity.home.damaged" for one that cannot be read.
func get(ctx context.Context, q db.Querier, member core.MemberID) (record, error) {
	found, err := db.All(ctx, q, scan, selectHome+`WHERE h.member = $1`, string(member))
	switch {
	case err != nil:
		return record{}, err
	case len(found) == 0:
		return record{}, core.NotFound("identity.home.none", db.ErrNoRow).With("Member", string(member))
	case found[0].damage != nil:
		return record{}, core.Internal(damaged, found[0].damage).With("Member", string(member))
	}
	return found[0], nil
}

// damaged is the key of the error for a row that cannot be read.
const damaged = "identity.home.damaged"

// all lists every row by name, those that cannot be read too.
func all(ctx context.Context, q db.Querier) ([]record, error) {
	return db.All(ctx, q, scan, selectHome+`ORDER BY h.member`)
}

// atIssuer lists the rows of an issuer by name.
func atIssuer(ctx context.Context, q db.Querier, issuer string) ([]record, error) {
	return db.All(ctx, q, scan, selectHome+`WHERE h.issuer = $1 ORDER BY h.member`, issuer)
}

// proof is what is known of one domain of one home.
type proof struct {
	domain        string
	proved, tried core.Moment
}

func proofs(ctx context.Context, q db.Querier, member core.MemberID) ([]proof, error) {
	return db.All(ctx, q, func(r db.Row) (p proof, err error) { return p, r.Scan(&p.domain, &p.proved, &p.tried) },
		`SELECT domain, proved_us, tried_us FROM identity_home_domain WHERE member = $1`, string(member))
}

func putProof(ctx context.Context, q db.Querier, member core.MemberID, p proof) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_home_domain (member, domain, proved_us, tried_us) VALUES ($1, $2, $3, $4)
		ON CONFLICT (member, domain) DO UPDATE SET proved_us = excluded.proved_us, tried_us = excluded.tried_us`,
		string(member), p.domain, int64(p.proved), int64(p.tried))
	return err
}

const visitorColumns = `home, sub, person, handle, state, made_us, seen_us`

func scanVisitor(r db.Row) (v Visitor, err error) {
	return v, r.Scan(&v.Home, &v.Sub, &v.Person, &v.Handle, &v.State, &v.Made, &v.Seen)
}

func visitor(ctx context.Context, q db.Querier, home core.MemberID, sub string) (Visitor, bool, error) {
	v, err := db.One(ctx, q, scanVisitor, `SELECT `+visitorColumns+` FROM identity_visitor WHERE home = $1 AND sub = $2`, string(home), sub)
	if errors.Is(err, db.ErrNoRow) {
		return v, false, nil
	}
	return v, err == nil, err
}

// homesOf lists where a visitor was and is at home, the newest last.
func homesOf(ctx context.Context, q db.Querier, who person.ID) ([]Visitor, error) {
	return db.All(ctx, q, scanVisitor, `SELECT `+visitorColumns+` FROM identity_visitor WHERE person = $1 ORDER BY made_us, home, sub`, string(who))
}

// visitorsOf lists the people of a home that are here.
func visitorsOf(ctx context.Context, q db.Querier, home core.MemberID) ([]Visitor, error) {
	return db.All(ctx, q, scanVisitor, `SELECT `+visitorColumns+` FROM identity_visitor WHERE home = $1 AND state = 'active' ORDER BY sub`, string(home))
}

func insertVisitor(ctx context.Context, q db.Querier, v Visitor) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_visitor (`+visitorColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		string(v.Home), v.Sub, string(v.Person), v.Handle, string(v.State), int64(v.Made), int64(v.Seen))
	return err
}

func updateVisitor(ctx context.Context, q db.Querier, v Visitor) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_visitor SET handle = $3, state = $4, seen_us = $5 WHERE home = $1 AND sub = $2`,
		string(v.Home), v.Sub, v.Handle, string(v.State), int64(v.Seen))
	return err
}

// newSince counts the people whom a home brought since a moment. Who was here before, and only
// moved there, is nobody new.
func newSince(ctx context.Context, q db.Querier, home core.MemberID, since core.Moment) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM identity_visitor v JOIN identity_person p ON p.id = v.person
		WHERE v.home = $1 AND v.made_us >= $2 AND p.made_us >= $2`, string(home), int64(since))
}
