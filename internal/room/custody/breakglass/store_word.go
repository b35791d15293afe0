package breakglass

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/custody/ask"
)

// said is a word to an ask, as it lies here.
type said struct {
	ask      string
	kind     ask.Kind
	who      string
	strength ask.Strength
	ran      time.Duration
	at       core.Moment
	document []byte
}

const wordColumns = `ask, kind, who, strength, ran, at_us, document`

func scanSaid(r db.Row) (s said, err error) {
	var ran int64
	err = r.Scan(&s.ask, &s.kind, &s.who, &s.strength, &ran, &s.at, &s.document)
	s.ran = micros(ran)
	return s, err
}

// putSaid keeps a word; false: who says it said it before.
func putSaid(ctx context.Context, q db.Querier, s said) (bool, error) {
	n, err := db.Exec(ctx, q, `INSERT INTO custody_ask_word (`+wordColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (ask, kind, who) DO NOTHING`,
		s.ask, string(s.kind), s.who, string(s.strength), s.ran.Microseconds(), int64(s.at), s.document)
	return n == 1, err
}

func allSaid(ctx context.Context, q db.Querier, ask string) ([]said, error) {
	return db.All(ctx, q, scanSaid, `SELECT `+wordColumns+` FROM custody_ask_word WHERE ask = $1 ORDER BY ran, kind, who LIMIT 500`, ask)
}

// notice is somebody who has to be told.
type notice struct {
	ask, who, what string
	tries          int64
	next, done     core.Moment
}

const noticeColumns = `ask, who, what, tries, next_us, done_us`

func scanNotice(r db.Row) (n notice, err error) {
	return n, r.Scan(&n.ask, &n.who, &n.what, &n.tries, &n.next, &n.done)
}

func putNotice(ctx context.Context, q db.Querier, n notice) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_ask_notice (`+noticeColumns+`) VALUES ($1, $2, $3, 0, $4, 0) ON CONFLICT (ask, who, what) DO NOTHING`,
		n.ask, n.who, n.what, int64(n.next))
	return err
}

func dueNotices(ctx context.Context, q db.Querier, now core.Moment) ([]notice, error) {
	return db.All(ctx, q, scanNotice, `SELECT `+noticeColumns+` FROM custody_ask_notice WHERE done_us = 0 AND next_us <= $1 ORDER BY next_us, ask, who LIMIT 200`, int64(now))
}

func setNotice(ctx context.Context, q db.Querier, n notice) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_ask_notice SET tries = $4, next_us = $5, done_us = $6 WHERE ask = $1 AND who = $2 AND what = $3`,
		n.ask, n.who, n.what, n.tries, int64(n.next), int64(n.done))
	return err
}

// untried counts who has to know of an ask and was not even tried.
func untried(ctx context.Context, q db.Querier, ask string) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM custody_ask_notice WHERE ask = $1 AND what = 'ask' AND tries = 0`, ask)
}

func notices(ctx context.Context, q db.Querier, ask string) ([]notice, error) {
	return db.All(ctx, q, scanNotice, `SELECT `+noticeColumns+` FROM custody_ask_notice WHERE ask = $1 ORDER BY who, what LIMIT 500`, ask)
}
