package breakglass

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/share"
)

// row is an ask that came here.
type row struct {
	ask.Signed
	held                                        bool
	received, noticed, declined, burnt, release core.Moment
	receivedRan                                 time.Duration
	share                                       []byte
	logFrom                                     int64
	logged                                      core.Moment
	damaged                                     error // the document cannot be read; then nothing of it is known
}

const askColumns = `document, held, received_us, received_ran, noticed_us, declined_us, burnt_us, released_us, share, log_from, logged_us`

func scanAsk(r db.Row) (a row, err error) {
	var document []byte
	var ran int64
	if err := r.Scan(&document, &a.held, &a.received, &ran, &a.noticed, &a.declined, &a.burnt, &a.release, &a.share, &a.logFrom, &a.logged); err != nil {
		return a, err
	}
	a.receivedRan = micros(ran)
	a.Signed, a.damaged = decode(document)
	return a, nil
}

// several lists asks. One that the disk damaged is left out: it does not hide all others.
func several(ctx context.Context, q db.Querier, query string, args ...any) ([]row, error) {
	all, err := db.All(ctx, q, scanAsk, `SELECT `+askColumns+` FROM custody_ask `+query, args...)
	return slices.DeleteFunc(all, func(r row) bool { return r.damaged != nil }), err
}

func decode(document []byte) (ask.Signed, error) {
	env, err := seal.DecodeEnvelope(document)
	if err != nil {
		return ask.Signed{}, fmt.Errorf("a kept ask: %w", err)
	}
	return ask.Read(env)
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// put notes an ask. Returns CodeDenied "custody.breakglass.switched" where the asker's nonce came
// with another content before.
func put(ctx context.Context, q db.Querier, a row) error {
	document, err := a.Document.Encode()
	if err != nil {
		return err
	}
	n, err := db.Exec(ctx, q, `INSERT INTO custody_ask (id, deal, owner, asker, nonce, document, held, received_us, received_ran, expires_us)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (deal, nonce) DO NOTHING`,
		a.ID, string(a.Deal), string(a.Owner), string(a.Asker), nonceOf(a.Ask), document, a.held, int64(a.received), a.receivedRan.Microseconds(), int64(a.Expires))
	if err == nil && n == 0 {
		return core.Denied("custody.breakglass.switched", errors.New("the nonce of another ask"))
	}
	return err
}

// nonceOf is the nonce with who drew it: a nonce that somebody else copied is another one.
func nonceOf(a ask.Ask) string { return a.Nonce + " " + string(a.Asker) + " " + a.Key }

// get is an ask that came here. Returns CodeNotFound "custody.breakglass.unknown", CodeInvalid
// "custody.breakglass.damaged".
func get(ctx context.Context, q db.Querier, id string) (row, error) {
	a, err := db.One(ctx, q, scanAsk, `SELECT `+askColumns+` FROM custody_ask WHERE id = $1`, id)
	if errors.Is(err, db.ErrNoRow) {
		return a, core.NotFound("custody.breakglass.unknown", err)
	}
	if err == nil && (a.damaged != nil || a.ID != id) {
		err = core.Invalid("custody.breakglass.damaged", errors.Join(errors.New("not what came"), a.damaged))
	}
	return a, err
}

// find is get by the first signs of an id. Returns CodeNotFound, CodeConflict for two.
func find(ctx context.Context, q db.Querier, table, begin string) (string, error) {
	ids, err := db.All(ctx, q, db.Text, `SELECT id FROM `+table+` WHERE substr(id, 1, $1) = $2 LIMIT 2`, len(begin), begin)
	switch {
	case err != nil:
		return "", err
	case len(ids) == 0:
		return "", core.NotFound("custody.breakglass.unknown", errors.New("no such ask"))
	case len(ids) > 1:
		return "", core.Conflict("custody.breakglass.ambiguous", errors.New("several begin so"))
	}
	return ids[0], nil
}

func list(ctx context.Context, q db.Querier) ([]row, error) {
	return several(ctx, q, `ORDER BY received_us DESC, id LIMIT 500`)
}

func unlogged(ctx context.Context, q db.Querier) ([]row, error) {
	return several(ctx, q, `WHERE released_us > 0 AND logged_us = 0 ORDER BY released_us LIMIT 100`)
}

func unsettled(ctx context.Context, q db.Querier) ([]row, error) {
	return several(ctx, q, `WHERE burnt_us = 0 AND id IN (SELECT ask FROM custody_ask_entry) LIMIT 100`)
}

// open lists the asks about a deal that are not over, and those that came within a week: who
// makes asks that are soon over has no more of them.
func open(ctx context.Context, q db.Querier, deal share.ID, now core.Moment) (all []row, err error) {
	const week = 7 * 24 * time.Hour
	return several(ctx, q, `WHERE deal = $1 AND (expires_us > $2 OR received_us > $3) AND declined_us = 0 LIMIT 200`,
		string(deal), int64(now), int64(now.Add(-week)))
}

func setNoticed(ctx context.Context, q db.Querier, id string, at core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_ask SET noticed_us = $2 WHERE id = $1 AND noticed_us = 0`, id, int64(at))
	return err
}

func setDeclined(ctx context.Context, q db.Querier, id string, at core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_ask SET declined_us = $2 WHERE id = $1 AND declined_us = 0`, id, int64(at))
	return err
}

// setReleased keeps the share that goes out; false: it was released before.
func setReleased(ctx context.Context, q db.Querier, r row, at core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE custody_ask SET released_us = $2, share = $3, log_from = $4 WHERE id = $1 AND released_us = 0`, r.ID, int64(at), r.share, r.logFrom)
	return n == 1, err
}

func setLogged(ctx context.Context, q db.Querier, id string, at core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_ask SET logged_us = $2 WHERE id = $1 AND logged_us = 0`, id, int64(at))
	return err
}

// setBurnt ends all asks about a deal.
func setBurnt(ctx context.Context, q db.Querier, deal share.ID, at core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_ask SET burnt_us = $2 WHERE deal = $1 AND burnt_us = 0`, string(deal), int64(at))
	return err
}

func forget(ctx context.Context, q db.Querier, before core.Moment) error {
	for _, query := range []string{
		`DELETE FROM custody_ask_notice WHERE ask IN (SELECT id FROM custody_ask WHERE expires_us < $1)`,
		`DELETE FROM custody_ask_word WHERE ask IN (SELECT id FROM custody_ask WHERE expires_us < $1)`,
		`DELETE FROM custody_ask WHERE expires_us < $1`,
		`DELETE FROM custody_ask_own WHERE made_us < $1`,
		`DELETE FROM custody_rotation WHERE done_us > 0 AND done_us < $1`,
	} {
		if _, err := db.Exec(ctx, q, query, int64(before)); err != nil {
			return err
		}
	}
	return nil
}

// readClock is what was counted; the zero value before the first tick.
func readClock(ctx context.Context, q db.Querier) (ask.Clock, error) {
	c, err := db.One(ctx, q, func(r db.Row) (c ask.Clock, err error) {
		var ran, owed, heard int64
		err = r.Scan(&ran, &c.Wall, &owed, &c.Heard, &heard)
		c.Ran, c.Owed, c.HeardRan = micros(ran), micros(owed), micros(heard)
		return c, err
	}, `SELECT ran, wall_us, owed, heard_us, heard_ran FROM custody_clock WHERE id = 1`)
	if errors.Is(err, db.ErrNoRow) {
		return ask.Clock{}, nil
	}
	return c, err
}

func writeClock(ctx context.Context, q db.Querier, c ask.Clock) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_clock (id, ran, wall_us, owed, heard_us, heard_ran) VALUES (1, $1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET ran = excluded.ran, wall_us = excluded.wall_us, owed = excluded.owed, heard_us = excluded.heard_us, heard_ran = excluded.heard_ran`,
		c.Ran.Microseconds(), int64(c.Wall), c.Owed.Microseconds(), int64(c.Heard), c.HeardRan.Microseconds())
	return err
}
