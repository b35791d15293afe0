package logbook

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// contact is how the exchange with one member goes.
type contact struct {
	member           core.MemberID
	store            string // the numbering that cursor belongs to
	cursor           int64
	wholeRead        core.Moment
	confirmedSize    int64 // our whole history, as far as it confirmed
	confirmedSigned  core.Moment
	confirmedVersion int64
	failures         int64
	retry            core.Moment
	trouble          string // words key of what went wrong last, "" = nothing
	status           int64  // of the answer it gave then, 0 = none came
	since            core.Moment
}

const contactColumns = `member, store, cursor, whole_us, told_size, told_us, told_version, failures, retry_us, trouble, trouble_status, trouble_us`

func scanContact(r db.Row) (c contact, err error) {
	err = r.Scan(&c.member, &c.store, &c.cursor, &c.wholeRead, &c.confirmedSize, &c.confirmedSigned, &c.confirmedVersion, &c.failures, &c.retry,
		&c.trouble, &c.status, &c.since)
	return c, err
}

// getContact reads how it goes with a member; the zero contact when there was
// none yet.
func getContact(ctx context.Context, q db.Querier, id core.MemberID) (contact, error) {
	c, err := db.One(ctx, q, scanContact, `SELECT `+contactColumns+` FROM logbook_contact WHERE member = $1`, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return contact{member: id}, nil
	}
	return c, err
}

// neighbour is a member we may exchange with, and how that goes.
type neighbour struct {
	contact
	url    string
	weight uint64
}

// at is where the member serves the logs it holds.
func (n neighbour) at() holder { return holder{n.member, n.url} }

// getNeighbours lists all members but ourselves and those that forked.
func getNeighbours(ctx context.Context, q db.Querier, self core.MemberID) ([]neighbour, error) {
	return db.All(ctx, q, func(r db.Row) (n neighbour, err error) {
		err = r.Scan(&n.member, &n.url, &n.store, &n.cursor, &n.wholeRead, &n.confirmedSize, &n.confirmedSigned, &n.confirmedVersion, &n.failures, &n.retry,
			&n.trouble, &n.status, &n.since)
		return n, err
	}, `SELECT m.id, m.url, COALESCE(c.store, ''), COALESCE(c.cursor, 0), COALESCE(c.whole_us, 0), COALESCE(c.told_size, 0),
		COALESCE(c.told_us, 0), COALESCE(c.told_version, 0), COALESCE(c.failures, 0), COALESCE(c.retry_us, 0),
		COALESCE(c.trouble, ''), COALESCE(c.trouble_status, 0), COALESCE(c.trouble_us, 0)
		FROM logbook_member m LEFT JOIN logbook_contact c ON c.member = m.id WHERE m.id <> $1 AND m.forked_us = 0`, string(self))
}

// getNeighbour is one member, whoever it is. Returns CodeNotFound.
func getNeighbour(ctx context.Context, q db.Querier, id core.MemberID) (neighbour, error) {
	m, err := getMember(ctx, q, id)
	if err != nil {
		return neighbour{}, err
	}
	c, err := getContact(ctx, q, id)
	return neighbour{contact: c, url: m.url}, err
}

func putContact(ctx context.Context, q db.Querier, c contact) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_contact (`+contactColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)
		ON CONFLICT (member) DO UPDATE SET store=excluded.store, cursor=excluded.cursor, whole_us=excluded.whole_us, told_size=excluded.told_size,
		told_us=excluded.told_us, told_version=excluded.told_version, failures=excluded.failures, retry_us=excluded.retry_us,
		trouble=excluded.trouble, trouble_status=excluded.trouble_status, trouble_us=excluded.trouble_us`,
		string(c.member), c.store, c.cursor, int64(c.wholeRead), c.confirmedSize, int64(c.confirmedSigned), c.confirmedVersion, c.failures, int64(c.retry),
		c.trouble, c.status, int64(c.since))
	return err
}

// updateContact changes a contact in one transaction, so that a pull and a push
// with the same member do not undo each other.
func updateContact(ctx context.Context, d *db.DB, id core.MemberID, change func(*contact)) error {
	return d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		c, err := getContact(ctx, q, id)
		if err != nil {
			return err
		}
		change(&c)
		return putContact(ctx, q, c)
	})
}

// resetCursors forgets how far we read the others' heads: a log that was passed over
// is wanted now.
func resetCursors(ctx context.Context, q db.Querier) error {
	_, err := db.Exec(ctx, q, `UPDATE logbook_contact SET cursor = 0, whole_us = 0`)
	return err
}

// retryNow ends the wait for a member, or for all when id is empty: people settled what
// stood between us.
func retryNow(ctx context.Context, q db.Querier, id core.MemberID) error {
	_, err := db.Exec(ctx, q, `UPDATE logbook_contact SET failures = 0, retry_us = 0 WHERE member = $1 OR $1 = ''`, string(id))
	return err
}

// holder is a member that serves logs, ours or others'.
type holder struct {
	member  core.MemberID // empty: nobody we know the keys of, so nothing is signed
	address string
}
