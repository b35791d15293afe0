package breakglass

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/share"
)

// own is an ask of ours.
type own struct {
	ask.Signed
	identity       []byte // sealed; empty once the box was opened
	opened, logged core.Moment
	logFrom        int64
}

const ownColumns = `document, identity, opened_us, log_from, logged_us`

func scanOwn(r db.Row) (o own, err error) {
	var document []byte
	if err := r.Scan(&document, &o.identity, &o.opened, &o.logFrom, &o.logged); err != nil {
		return o, err
	}
	o.Signed, err = decode(document)
	return o, err
}

func putOwn(ctx context.Context, q db.Querier, s ask.Signed, identity []byte) error {
	document, err := s.Document.Encode()
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO custody_ask_own (id, document, identity, made_us) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING`, s.ID, document, identity, int64(s.Made))
	return err
}

func getOwn(ctx context.Context, q db.Querier, id string) (own, error) {
	o, err := db.One(ctx, q, scanOwn, `SELECT `+ownColumns+` FROM custody_ask_own WHERE id = $1`, id)
	if errors.Is(err, db.ErrNoRow) {
		return o, core.NotFound("custody.breakglass.unknown", err)
	}
	return o, err
}

func unloggedOwn(ctx context.Context, q db.Querier) ([]own, error) {
	return db.All(ctx, q, scanOwn, `SELECT `+ownColumns+` FROM custody_ask_own WHERE opened_us > 0 AND logged_us = 0 LIMIT 100`)
}

// setOpened notes that the box was opened, and forgets what opened its shares.
func setOpened(ctx context.Context, q db.Querier, id string, from int64, at core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_ask_own SET opened_us = $2, log_from = $3, identity = $4 WHERE id = $1 AND opened_us = 0`, id, int64(at), from, []byte{})
	return err
}

func setOwnLogged(ctx context.Context, q db.Querier, id string, at core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_ask_own SET logged_us = $2 WHERE id = $1`, id, int64(at))
	return err
}

// heardEntry is what a logbook says of an ask.
type heardEntry struct {
	log   core.MemberID
	entry int64
	ask   string
	kind  string // "release", "opened"
	at    core.Moment
}

func putEntry(ctx context.Context, q db.Querier, e heardEntry) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_ask_entry (log, entry, ask, kind, at_us) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (log, entry) DO NOTHING`,
		string(e.log), e.entry, e.ask, e.kind, int64(e.at))
	return err
}

func takeBack(ctx context.Context, q db.Querier, log core.MemberID, from int64) error {
	_, err := db.Exec(ctx, q, `DELETE FROM custody_ask_entry WHERE log = $1 AND entry >= $2`, string(log), from)
	return err
}

// entriesOf lists what logbooks say of an ask, each logbook and kind once.
func entriesOf(ctx context.Context, q db.Querier, ask string) ([]heardEntry, error) {
	return db.All(ctx, q, func(r db.Row) (e heardEntry, err error) {
		return e, r.Scan(&e.log, &e.kind, &e.at)
	}, `SELECT log, kind, min(at_us) FROM custody_ask_entry WHERE ask = $1 GROUP BY log, kind ORDER BY log, kind LIMIT 1000`, ask)
}

// Rotation is one thing that has to be changed because a box was opened.
type Rotation struct {
	Deal   share.ID    `json:"deal"`
	Line   int64       `json:"line"` // from 1
	Scope  string      `json:"scope"`
	Says   string      `json:"says"` // what it is; empty = all that the box held
	Opened core.Moment `json:"opened_us"`
	Done   core.Moment `json:"done_us"` // 0 = not yet
}

func putRotation(ctx context.Context, q db.Querier, r Rotation) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_rotation (deal, line, scope, says, opened_us, done_us) VALUES ($1, $2, $3, $4, $5, 0)
		ON CONFLICT (deal, line) DO NOTHING`, string(r.Deal), r.Line, r.Scope, r.Says, int64(r.Opened))
	return err
}

func rotations(ctx context.Context, q db.Querier) ([]Rotation, error) {
	return db.All(ctx, q, func(r db.Row) (o Rotation, err error) {
		return o, r.Scan(&o.Deal, &o.Line, &o.Scope, &o.Says, &o.Opened, &o.Done)
	}, `SELECT deal, line, scope, says, opened_us, done_us FROM custody_rotation ORDER BY opened_us DESC, deal, line LIMIT 1000`)
}

func setRotated(ctx context.Context, q db.Querier, deal share.ID, line int64, at core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE custody_rotation SET done_us = $3 WHERE deal = $1 AND line = $2 AND done_us = 0`, string(deal), line, int64(at))
	return n == 1, err
}
