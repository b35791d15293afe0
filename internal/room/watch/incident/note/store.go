package note

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// State is how a text stands here. The zero value is Wanted.
type State string

// The states of a text.
const (
	Wanted    State = ""          // an entry names it, and it has not come yet
	Held      State = "held"      // it is here
	Withdrawn State = "withdrawn" // it was taken down, and does not come back
	Broken    State = "broken"    // what came under its hash is no text we show
)

// kept is a row of watch_note_text.
type kept struct {
	Name  string
	Owner core.MemberID
	Body  []byte
	State State
	Tries int64
	Next  core.Moment
}

const columns = `sha256, owner, body, state, tries, next_us`

func scan(r db.Row) (k kept, err error) {
	return k, r.Scan(&k.Name, &k.Owner, &k.Body, &k.State, &k.Tries, &k.Next)
}

// byName reads the rows of a text: one for each member whose entry names it, and one of
// nobody when this node took it down.
func byName(ctx context.Context, q db.Querier, name string) ([]kept, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM watch_note_text WHERE sha256 = $1 ORDER BY owner LIMIT 100`, name)
}

// want notes that a text is named by its owner's entry.
func want(ctx context.Context, q db.Querier, name string, owner core.MemberID, now core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO watch_note_text (`+columns+`, made_us) VALUES ($1, $2, $3, '', 0, $4, $4) ON CONFLICT (sha256, owner) DO NOTHING`,
		name, string(owner), []byte{}, int64(now))
	return err
}

// put stores a text; one that was withdrawn stays so.
func put(ctx context.Context, q db.Querier, k kept, now core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO watch_note_text (`+columns+`, made_us) VALUES ($1, $2, $3, $4, 0, 0, $5)
		ON CONFLICT (sha256, owner) DO UPDATE SET body = excluded.body, state = excluded.state WHERE watch_note_text.state = ''`,
		k.Name, string(k.Owner), k.Body, string(k.State), int64(now))
	return err
}

// withdraw forgets a text for good: that of one member, or, with no owner, of everybody.
func withdraw(ctx context.Context, q db.Querier, name string, owner core.MemberID, now core.Moment) error {
	if err := want(ctx, q, name, owner, now); err != nil {
		return err
	}
	_, err := db.Exec(ctx, q, `UPDATE watch_note_text SET body = $2, state = 'withdrawn' WHERE sha256 = $1 AND ($3 = '' OR owner = $3)`, name, []byte{}, string(owner))
	return err
}

// due lists texts to fetch, those that waited for longest first.
func due(ctx context.Context, q db.Querier, now core.Moment, limit int) ([]kept, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM watch_note_text WHERE state = '' AND next_us <= $1
		AND sha256 NOT IN (SELECT sha256 FROM watch_note_text WHERE owner = '') ORDER BY next_us, sha256 LIMIT $2`, int64(now), limit)
}

func later(ctx context.Context, q db.Querier, k kept) error {
	_, err := db.Exec(ctx, q, `UPDATE watch_note_text SET tries = $3, next_us = $4 WHERE sha256 = $1 AND owner = $2 AND state = ''`, k.Name, string(k.Owner), k.Tries, int64(k.Next))
	return err
}

// ofOwner reads several texts of a member by their names; what this node took down is
// withdrawn, whoever names it.
func ofOwner(ctx context.Context, q db.Querier, owner core.MemberID, names []string) (map[string]kept, error) {
	out := map[string]kept{}
	for _, name := range names {
		rows, err := byName(ctx, q, name)
		if err != nil {
			return nil, err
		}
		for _, k := range rows {
			if k.Owner == "" || k.Owner == owner && out[name].State != Withdrawn {
				out[name] = k
			}
		}
	}
	return out, nil
}

// held counts the bytes we keep of what a member wrote.
func held(ctx context.Context, q db.Querier, owner core.MemberID) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT sum(length(body)) FROM watch_note_text WHERE owner = $1`, string(owner))
}

// dropUnsaid forgets our own texts that no entry names: a command was cut off between the
// text and its entry.
func dropUnsaid(ctx context.Context, q db.Querier, owner core.MemberID, before core.Moment) error {
	_, err := db.Exec(ctx, q, `DELETE FROM watch_note_text WHERE owner = $1 AND made_us < $2 AND state = 'held'
		AND NOT EXISTS (SELECT 1 FROM watch_note WHERE watch_note.sha256 = watch_note_text.sha256)
		AND NOT EXISTS (SELECT 1 FROM watch_maintenance WHERE watch_maintenance.sha256 = watch_note_text.sha256)`, string(owner), int64(before))
	return err
}
