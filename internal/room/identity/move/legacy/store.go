package legacy

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

// maxRoots is how many roots of a home for one successor are kept: the newest.
const maxRoots = 64

// Willed is a legacy release of one of our people.
type Willed struct {
	ID       string // of the release
	Person   person.ID
	To       core.MemberID
	Document string // signed by us alone
}

// Will keeps one; a second for a person and successor is passed over.
func Will(ctx context.Context, q db.Querier, w Willed) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_legacy (id, person, home, ended, document) VALUES ($1, $2, $3, FALSE, $4) ON CONFLICT DO NOTHING`,
		w.ID, string(w.Person), string(w.To), w.Document)
	return err
}

// WilledTo lists those to a successor that count.
func WilledTo(ctx context.Context, q db.Querier, to core.MemberID) ([]Willed, error) {
	return db.All(ctx, q, func(r db.Row) (w Willed, err error) { return w, r.Scan(&w.ID, &w.Person, &w.To, &w.Document) },
		`SELECT id, person, home, document FROM identity_legacy WHERE home = $1 AND NOT ended ORDER BY id`, string(to))
}

// Heirs lists the successors that ours are signed to.
func Heirs(ctx context.Context, q db.Querier) ([]core.MemberID, error) {
	return db.All(ctx, q, func(r db.Row) (m core.MemberID, err error) { return m, r.Scan(&m) },
		`SELECT DISTINCT home FROM identity_legacy WHERE NOT ended ORDER BY home`)
}

// End ends one: it counts no more.
func End(ctx context.Context, q db.Querier, id string) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_legacy SET ended = TRUE WHERE id = $1`, id)
	return err
}

// EndOf ends what would let a person of ours go on the day we are gone, in q's transaction:
// they leave, or came by another way. Our logbook says so next.
func EndOf(ctx context.Context, q db.Querier, who person.ID) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_legacy SET ended = TRUE WHERE person = $1`, string(who))
	return err
}

// Ended lists those of which our logbook does not say yet that they count no more.
func Ended(ctx context.Context, q db.Querier, most int) ([]string, error) {
	return db.All(ctx, q, db.Text, `SELECT id FROM identity_legacy WHERE ended ORDER BY id LIMIT $1`, most)
}

// Forget forgets ended ones that our logbook took back.
func Forget(ctx context.Context, q db.Querier, ids []string) error {
	for _, id := range ids {
		if _, err := db.Exec(ctx, q, `DELETE FROM identity_legacy WHERE id = $1 AND ended`, id); err != nil {
			return err
		}
	}
	return nil
}

// Root is what a home's logbook says of its legacy releases to a successor.
type Root struct {
	Home, Heir core.MemberID
	Entry      int64  // index
	Hash       string // base64
	Size       int64
	Let        bool // the home's people were let in here when it was heard
}

// PutRoot notes one, once; of those of a home for one successor the newest stay.
func PutRoot(ctx context.Context, q db.Querier, r Root) error {
	if _, err := db.Exec(ctx, q, `INSERT INTO identity_legacy_root (home, entry, heir, root, size, let_in) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		string(r.Home), r.Entry, string(r.Heir), r.Hash, r.Size, r.Let); err != nil {
		return err
	}
	_, err := db.Exec(ctx, q, `DELETE FROM identity_legacy_root WHERE home = $1 AND heir = $2 AND entry NOT IN
		(SELECT entry FROM identity_legacy_root WHERE home = $1 AND heir = $2 ORDER BY entry DESC LIMIT $3)`, string(r.Home), string(r.Heir), maxRoots)
	return err
}

// RootsOf lists them, the newest first.
func RootsOf(ctx context.Context, q db.Querier, home, heir core.MemberID) ([]Root, error) {
	return db.All(ctx, q, func(w db.Row) (r Root, err error) {
		return r, w.Scan(&r.Home, &r.Heir, &r.Entry, &r.Hash, &r.Size, &r.Let)
	}, `SELECT home, heir, entry, root, size, let_in FROM identity_legacy_root WHERE home = $1 AND heir = $2 ORDER BY entry DESC`, string(home), string(heir))
}

// Taken is a legacy release that a successor says it took up.
type Taken struct {
	Heir core.MemberID
	ID   string // of the release
	Home core.MemberID
	Ask  string // by which the home's accounts were opened
}

// PutTaken notes one, once.
func PutTaken(ctx context.Context, q db.Querier, u Taken, entry int64) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_legacy_taken_up (heir, id, home, ask, entry) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		string(u.Heir), u.ID, string(u.Home), u.Ask, entry)
	return err
}

// TakenOf finds it; false where the successor's logbook does not say it.
func TakenOf(ctx context.Context, q db.Querier, heir core.MemberID, id string) (u Taken, found bool, err error) {
	u, err = db.One(ctx, q, func(r db.Row) (u Taken, err error) { return u, r.Scan(&u.Heir, &u.ID, &u.Home, &u.Ask) },
		`SELECT heir, id, home, ask FROM identity_legacy_taken_up WHERE heir = $1 AND id = $2`, string(heir), id)
	if errors.Is(err, db.ErrNoRow) {
		return u, false, nil
	}
	return u, err == nil, err
}

// HeirsOf lists who says that it took up releases of a home.
func HeirsOf(ctx context.Context, q db.Querier, home core.MemberID) ([]core.MemberID, error) {
	return db.All(ctx, q, func(r db.Row) (m core.MemberID, err error) { return m, r.Scan(&m) },
		`SELECT DISTINCT heir FROM identity_legacy_taken_up WHERE home = $1 ORDER BY heir`, string(home))
}

// TakeBack drops what was said from an index on.
func TakeBack(ctx context.Context, q db.Querier, log core.MemberID, from int64) error {
	if _, err := db.Exec(ctx, q, `DELETE FROM identity_legacy_root WHERE home = $1 AND entry >= $2`, string(log), from); err != nil {
		return err
	}
	_, err := db.Exec(ctx, q, `DELETE FROM identity_legacy_taken_up WHERE heir = $1 AND entry >= $2`, string(log), from)
	return err
}

// Estate is a dead home whose accounts' box was opened to a successor.
type Estate struct {
	Home, Heir core.MemberID
	Ask        string // of the custodians, its id
	Asked      core.Moment
	evidence   []byte // as it was shown
}

func putEstate(ctx context.Context, q db.Querier, e Estate) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_legacy_estate (home, heir, ask, asked_us, evidence) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (home, heir) DO UPDATE SET ask = excluded.ask, asked_us = excluded.asked_us, evidence = excluded.evidence`,
		string(e.Home), string(e.Heir), e.Ask, int64(e.Asked), e.evidence)
	return err
}

func estateOf(ctx context.Context, q db.Querier, home, heir core.MemberID) (e Estate, found bool, err error) {
	e, err = db.One(ctx, q, func(r db.Row) (e Estate, err error) {
		return e, r.Scan(&e.Home, &e.Heir, &e.Ask, &e.Asked, &e.evidence)
	}, `SELECT home, heir, ask, asked_us, evidence FROM identity_legacy_estate WHERE home = $1 AND heir = $2`, string(home), string(heir))
	if errors.Is(err, db.ErrNoRow) {
		return e, false, nil
	}
	return e, err == nil, err
}

// Moved is a visitor here who came from a dead home to its successor.
type Moved struct {
	ID           string // of the release
	Home, Heir   core.MemberID
	Sub, HeirSub string // at the home, and at its successor
	Person       person.ID
}

// PutMoved notes one, once.
func PutMoved(ctx context.Context, q db.Querier, i Moved, at core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_legacy_moved (id, home, sub, heir, heirsub, person, at_us) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		i.ID, string(i.Home), i.Sub, string(i.Heir), i.HeirSub, string(i.Person), int64(at))
	return err
}

// MovedOf is the last way by which somebody of a home came to a successor of it.
func MovedOf(ctx context.Context, q db.Querier, home core.MemberID, sub string) (i Moved, found bool, err error) {
	i, err = db.One(ctx, q, func(r db.Row) (i Moved, err error) {
		return i, r.Scan(&i.ID, &i.Home, &i.Sub, &i.Heir, &i.HeirSub, &i.Person)
	}, `SELECT id, home, sub, heir, heirsub, person FROM identity_legacy_moved WHERE home = $1 AND sub = $2 ORDER BY at_us DESC, id LIMIT 1`, string(home), sub)
	if errors.Is(err, db.ErrNoRow) {
		return i, false, nil
	}
	return i, err == nil, err
}
