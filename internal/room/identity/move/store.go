package move

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

// said is what a home's logbook says of a release.
type said struct {
	moved, back int64 // index of the entry, -1 = none
	let         bool
}

// putMoved notes that a release counts. What was heard first about who was let in stays.
func putMoved(ctx context.Context, q db.Querier, home core.MemberID, id string, s said) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_move_entry (home, id, moved, back, let_in) VALUES ($1, $2, $3, -1, $4)
		ON CONFLICT (home, id) DO UPDATE SET moved = excluded.moved, let_in = excluded.let_in WHERE identity_move_entry.moved < 0`, string(home), id, s.moved, s.let)
	return err
}

// putBack notes that a release counts no more.
func putBack(ctx context.Context, q db.Querier, home core.MemberID, id string, entry int64) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_move_entry (home, id, moved, back, let_in) VALUES ($1, $2, -1, $3, FALSE)
		ON CONFLICT (home, id) DO UPDATE SET back = excluded.back WHERE identity_move_entry.back < 0`, string(home), id, entry)
	return err
}

// takeBack drops what was said from an index on.
func takeBack(ctx context.Context, q db.Querier, home core.MemberID, from int64) error {
	if _, err := db.Exec(ctx, q, `UPDATE identity_move_entry SET moved = -1 WHERE home = $1 AND moved >= $2`, string(home), from); err != nil {
		return err
	}
	_, err := db.Exec(ctx, q, `UPDATE identity_move_entry SET back = -1 WHERE home = $1 AND back >= $2`, string(home), from)
	return err
}

func saidOf(ctx context.Context, q db.Querier, home core.MemberID, id string) (said, error) {
	s, err := db.One(ctx, q, func(r db.Row) (s said, err error) { return s, r.Scan(&s.moved, &s.back, &s.let) },
		`SELECT moved, back, let_in FROM identity_move_entry WHERE home = $1 AND id = $2`, string(home), id)
	if errors.Is(err, db.ErrNoRow) {
		return said{-1, -1, false}, nil
	}
	return s, err
}

// taken is a release that was used here.
type taken struct {
	id   string
	who  person.ID
	home core.MemberID // the new one
	at   core.Moment
}

// take notes that a release was used here; false when it was before.
func take(ctx context.Context, q db.Querier, t taken) (bool, error) {
	n, err := db.Exec(ctx, q, `INSERT INTO identity_move_taken (id, person, home, at_us) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		t.id, string(t.who), string(t.home), int64(t.at))
	return n == 1, err
}
