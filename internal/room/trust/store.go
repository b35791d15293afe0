package trust

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations makes the tables of this room, on both engines.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

const memberColumns = `id, root, url, standing, refused, code, since_us`

func scanMember(r db.Row) (Member, error) {
	var m Member
	var root string
	if err := r.Scan(&m.Member, &root, &m.URL, &m.Standing, &m.Refused, &m.Code, &m.Since); err != nil {
		return m, err
	}
	var err error
	m.Root, err = core.ParseRootKey(root)
	return m, err
}

// member reads one member. Returns CodeNotFound.
func member(ctx context.Context, q db.Querier, id core.MemberID) (Member, error) {
	m, err := db.One(ctx, q, scanMember, `SELECT `+memberColumns+` FROM trust_member WHERE id = $1`, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return m, core.NotFound("trust.unknown_member", fmt.Errorf("no member %s", id)).With("Member", id)
	}
	return m, err
}

func members(ctx context.Context, q db.Querier) ([]Member, error) {
	return db.All(ctx, q, scanMember, `SELECT `+memberColumns+` FROM trust_member ORDER BY id`)
}

// memberByRoot finds who holds a root key. Returns CodeNotFound.
func memberByRoot(ctx context.Context, q db.Querier, root core.RootKey) (Member, error) {
	m, err := db.One(ctx, q, scanMember, `SELECT `+memberColumns+` FROM trust_member
		WHERE root = $1 ORDER BY id LIMIT 1`, root.String())
	if errors.Is(err, db.ErrNoRow) {
		return m, core.NotFound("trust.unknown_member", err)
	}
	return m, err
}

func putMember(ctx context.Context, q db.Querier, m Member) error {
	_, err := db.Exec(ctx, q, `INSERT INTO trust_member (`+memberColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET root = $2, url = $3, standing = $4, refused = $5, code = $6, since_us = $7`,
		string(m.Member), m.Root.String(), m.URL, string(m.Standing), m.Refused, m.Code, int64(m.Since))
	return err
}

// clearCode forgets an invitation that was redeemed.
func clearCode(ctx context.Context, q db.Querier, id core.MemberID) error {
	_, err := db.Exec(ctx, q, `UPDATE trust_member SET code = '' WHERE id = $1`, string(id))
	return err
}

func dropMember(ctx context.Context, q db.Querier, id core.MemberID, standing Standing) error {
	_, err := db.Exec(ctx, q, `DELETE FROM trust_member WHERE id = $1 AND standing = $2`, string(id), string(standing))
	return err
}

// dropAsked forgets requests to join older than a moment; one that a person refused
// is no request any more.
func dropAsked(ctx context.Context, q db.Querier, before core.Moment) error {
	_, err := db.Exec(ctx, q, `DELETE FROM trust_member WHERE standing = $1 AND since_us < $2 AND NOT refused`,
		string(Asked), int64(before))
	return err
}

// asked are the requests to join, the oldest first.
func asked(ctx context.Context, q db.Querier) ([]Member, error) {
	return db.All(ctx, q, scanMember, `SELECT `+memberColumns+` FROM trust_member
		WHERE standing = $1 AND NOT refused ORDER BY since_us, id`, string(Asked))
}

func scanCount(r db.Row) (n int, err error) { return n, r.Scan(&n) }

func putInvite(ctx context.Context, q db.Querier, hash string, until core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO trust_invite (hash, until_us, used_by) VALUES ($1, $2, '')`, hash, int64(until))
	return err
}

// useInvite marks an invitation as used by a member and says whether it was
// good. The same member may use it again: its answer may have been lost.
func useInvite(ctx context.Context, q db.Querier, hash string, by core.MemberID, now core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE trust_invite SET used_by = $2
		WHERE hash = $1 AND until_us > $3 AND (used_by = '' OR used_by = $2)`, hash, string(by), int64(now))
	return n == 1, err
}

// inviteGood says whether useInvite would find an invitation good.
func inviteGood(ctx context.Context, q db.Querier, hash string, by core.MemberID, now core.Moment) (bool, error) {
	n, err := db.One(ctx, q, scanCount, `SELECT count(*) FROM trust_invite
		WHERE hash = $1 AND until_us > $3 AND (used_by = '' OR used_by = $2)`, hash, string(by), int64(now))
	return n == 1, err
}

// dropInvites forgets invitations long out of date and counts those still open.
func dropInvites(ctx context.Context, q db.Querier, now core.Moment) (int, error) {
	if _, err := db.Exec(ctx, q, `DELETE FROM trust_invite WHERE until_us < $1`, int64(now.Add(-30*day))); err != nil {
		return 0, err
	}
	return db.One(ctx, q, scanCount, `SELECT count(*) FROM trust_invite WHERE used_by = '' AND until_us > $1`, int64(now))
}
