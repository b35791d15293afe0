package store

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Contact is how the exchange with one member goes.
type Contact struct {
	Member           core.MemberID
	Store            string // the numbering that cursor belongs to
	Cursor           int64
	WholeRead        core.Moment
	ConfirmedSize    int64 // our whole history, as far as it confirmed
	ConfirmedSigned  core.Moment
	ConfirmedVersion int64
	Failures         int64
	Retry            core.Moment
	Trouble          string // words key of what went wrong last, "" = nothing
	Status           int64  // of the answer it gave then, 0 = none came
	Since            core.Moment
}

const contactColumns = `member, store, cursor, whole_us, told_size, told_us, told_version, failures, retry_us, trouble, trouble_status, trouble_us`

func scanContact(r db.Row) (c Contact, err error) {
	err = r.Scan(&c.Member, &c.Store, &c.Cursor, &c.WholeRead, &c.ConfirmedSize, &c.ConfirmedSigned, &c.ConfirmedVersion, &c.Failures, &c.Retry,
		&c.Trouble, &c.Status, &c.Since)
	return c, err
}

// GetContact reads how it goes with a member; the zero contact when there was
// none yet.
func GetContact(ctx context.Context, q db.Querier, id core.MemberID) (Contact, error) {
	c, err := db.One(ctx, q, scanContact, `SELECT `+contactColumns+` FROM logbook_contact WHERE member = $1`, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return Contact{Member: id}, nil
	}
	return c, err
}

// Neighbour is a member we may exchange with, and how that goes.
type Neighbour struct {
	Contact
	url    string
	Weight uint64
}

// At is where the member serves the logs it holds.
func (n Neighbour) At() Holder { return Holder{n.Member, n.url} }

// GetNeighbours lists all members but ourselves and those that forked.
func GetNeighbours(ctx context.Context, q db.Querier, self core.MemberID) ([]Neighbour, error) {
	return db.All(ctx, q, func(r db.Row) (n Neighbour, err error) {
		err = r.Scan(&n.Member, &n.url, &n.Store, &n.Cursor, &n.WholeRead, &n.ConfirmedSize, &n.ConfirmedSigned, &n.ConfirmedVersion, &n.Failures, &n.Retry,
			&n.Trouble, &n.Status, &n.Since)
		return n, err
	}, `SELECT m.id, m.url, COALESCE(c.store, ''), COALESCE(c.cursor, 0), COALESCE(c.whole_us, 0), COALESCE(c.told_size, 0),
		COALESCE(c.told_us, 0), COALESCE(c.told_version, 0), COALESCE(c.failures, 0), COALESCE(c.retry_us, 0),
		COALESCE(c.trouble, ''), COALESCE(c.trouble_status, 0), COALESCE(c.trouble_us, 0)
		FROM logbook_member m LEFT JOIN logbook_contact c ON c.member = m.id WHERE m.id <> $1 AND m.forked_us = 0`, string(self))
}

// GetNeighbour is one member, whoever it is. Returns CodeNotFound.
func GetNeighbour(ctx context.Context, q db.Querier, id core.MemberID) (Neighbour, error) {
	m, err := GetMember(ctx, q, id)
	if err != nil {
		return Neighbour{}, err
	}
	c, err := GetContact(ctx, q, id)
	return Neighbour{Contact: c, url: m.URL}, err
}

func putContact(ctx context.Context, q db.Querier, c Contact) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_contact (`+contactColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)
		ON CONFLICT (member) DO UPDATE SET store=excluded.store, cursor=excluded.cursor, whole_us=excluded.whole_us, told_size=excluded.told_size,
		told_us=excluded.told_us, told_version=excluded.told_version, failures=excluded.failures, retry_us=excluded.retry_us,
		trouble=excluded.trouble, trouble_status=excluded.trouble_status, trouble_us=excluded.trouble_us`,
		string(c.Member), c.Store, c.Cursor, int64(c.WholeRead), c.ConfirmedSize, int64(c.ConfirmedSigned), c.ConfirmedVersion, c.Failures, int64(c.Retry),
		c.Trouble, c.Status, int64(c.Since))
	return err
}

// UpdateContact changes a contact in one transaction, so that a pull and a push
// with the same member do not undo each other.
func UpdateContact(ctx context.Context, d *db.DB, id core.MemberID, change func(*Contact)) error {
	return d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		c, err := GetContact(ctx, q, id)
		if err != nil {
			return err
		}
		change(&c)
		return putContact(ctx, q, c)
	})
}

// ResetCursors forgets how far we read the others' heads: a log that was passed over
// is wanted now.
func ResetCursors(ctx context.Context, q db.Querier) error {
	_, err := db.Exec(ctx, q, `UPDATE logbook_contact SET cursor = 0, whole_us = 0`)
	return err
}

// RetryNow ends the wait for a member, or for all when id is empty: people settled what
// stood between us.
func RetryNow(ctx context.Context, q db.Querier, id core.MemberID) error {
	_, err := db.Exec(ctx, q, `UPDATE logbook_contact SET failures = 0, retry_us = 0 WHERE member = $1 OR $1 = ''`, string(id))
	return err
}

// Holder is a member that serves logs, ours or others'.
type Holder struct {
	Member  core.MemberID // empty: nobody we know the keys of, so nothing is signed
	Address string
}
