package member

import (
	"context"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/trust/fact"
)

const columns = `id, root, url, standing, refused, code, since_us`

func scan(r db.Row) (Member, error) {
	var m Member
	var root string
	if err := r.Scan(&m.Member, &root, &m.URL, &m.Standing, &m.Refused, &m.Code, &m.Since); err != nil {
		return m, err
	}
	var err error
	m.Root, err = core.ParseRootKey(root)
	return m, err
}

// Find reads one member. Returns CodeNotFound.
func Find(ctx context.Context, q db.Querier, id core.MemberID) (Member, error) {
	m, err := db.One(ctx, q, scan, `SELECT `+columns+` FROM trust_member WHERE id = $1`, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return m, core.NotFound("trust.unknown_member", fmt.Errorf("no member %s", id)).With("Member", id)
	}
	return m, err
}

// All lists every member, whatever its standing, by name.
func All(ctx context.Context, q db.Querier) ([]Member, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM trust_member ORDER BY id`)
}

// byRoot finds who holds a root key. Returns CodeNotFound.
func byRoot(ctx context.Context, q db.Querier, root core.RootKey) (Member, error) {
	m, err := db.One(ctx, q, scan, `SELECT `+columns+` FROM trust_member
		WHERE root = $1 ORDER BY id LIMIT 1`, root.String())
	if errors.Is(err, db.ErrNoRow) {
		return m, core.NotFound("trust.unknown_member", err)
	}
	return m, err
}

// Put writes a member, over what was known of its origin.
func Put(ctx context.Context, q db.Querier, m Member) error {
	_, err := db.Exec(ctx, q, `INSERT INTO trust_member (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET root = $2, url = $3, standing = $4, refused = $5, code = $6, since_us = $7`,
		string(m.Member), m.Root.String(), m.URL, string(m.Standing), m.Refused, m.Code, int64(m.Since))
	return fact.Changed(ctx, q, err)
}

// clearCode forgets an invitation that was redeemed.
func clearCode(ctx context.Context, q db.Querier, id core.MemberID) error {
	_, err := db.Exec(ctx, q, `UPDATE trust_member SET code = '' WHERE id = $1`, string(id))
	return err
}

// Drop forgets a member that has this standing, and no other.
func Drop(ctx context.Context, q db.Querier, id core.MemberID, standing Standing) error {
	_, err := db.Exec(ctx, q, `DELETE FROM trust_member WHERE id = $1 AND standing = $2`, string(id), string(standing))
	return fact.Changed(ctx, q, err)
}

// DropAsked forgets requests to join older than a moment; one that a person refused
// is no request any more.
func DropAsked(ctx context.Context, q db.Querier, before core.Moment) error {
	_, err := db.Exec(ctx, q, `DELETE FROM trust_member WHERE standing = $1 AND since_us < $2 AND NOT refused`,
		string(Asked), int64(before))
	return err
}

// asked are the requests to join, the oldest first.
func asked(ctx context.Context, q db.Querier) ([]Member, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM trust_member
		WHERE standing = $1 AND NOT refused ORDER BY since_us, id`, string(Asked))
}

func scanCount(r db.Row) (n int, err error) { return n, r.Scan(&n) }
