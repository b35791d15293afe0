package subscribe

import (
	"context"
	"encoding/json"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

const subscriberColumns = `id, hoster, service, address, lang, made_us, confirmed_us`

func scanSubscriber(r db.Row) (s Subscriber, err error) {
	return s, r.Scan(&s.ID, &s.Hoster, &s.Service, &s.Address, &s.Lang, &s.Made, &s.Confirmed)
}

func add(ctx context.Context, q db.Querier, s Subscriber) error {
	_, err := db.Exec(ctx, q, `INSERT INTO watch_subscriber (`+subscriberColumns+`) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
		s.ID, string(s.Hoster), s.Service, s.Address, s.Lang, int64(s.Made))
	return err
}

func find(ctx context.Context, q db.Querier, r Request) (Subscriber, bool, error) {
	one, err := db.One(ctx, q, scanSubscriber, `SELECT `+subscriberColumns+` FROM watch_subscriber WHERE hoster = $1 AND service = $2 AND address = $3`,
		string(r.Hoster), r.Service, r.Address)
	if errors.Is(err, db.ErrNoRow) {
		return one, false, nil
	}
	return one, err == nil, err
}

func get(ctx context.Context, q db.Querier, id string) (Subscriber, error) {
	return db.One(ctx, q, scanSubscriber, `SELECT `+subscriberColumns+` FROM watch_subscriber WHERE id = $1`, id)
}

// lookUp is get for one that may be gone.
func lookUp(ctx context.Context, q db.Querier, id string) (Subscriber, bool, error) {
	one, err := get(ctx, q, id)
	if errors.Is(err, db.ErrNoRow) {
		return one, false, nil
	}
	return one, err == nil, err
}

// renew gives who did not confirm yet the full time again.
func renew(ctx context.Context, q db.Querier, id string, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE watch_subscriber SET made_us = $2 WHERE id = $1 AND confirmed_us = 0`, id, int64(now))
	return err
}

func confirm(ctx context.Context, q db.Querier, id string, now, since core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE watch_subscriber SET confirmed_us = CASE WHEN confirmed_us = 0 THEN CAST($2 AS BIGINT) ELSE confirmed_us END
		WHERE id = $1 AND (confirmed_us > 0 OR made_us >= $3)`, id, int64(now), int64(since))
	return n == 1, err
}

func remove(ctx context.Context, q db.Querier, id string) error {
	if _, err := db.Exec(ctx, q, `DELETE FROM watch_subscriber_mail WHERE subscriber = $1`, id); err != nil {
		return err
	}
	_, err := db.Exec(ctx, q, `DELETE FROM watch_subscriber WHERE id = $1`, id)
	return err
}

func counts(ctx context.Context, q db.Querier, address string) (one, all int64, err error) {
	one, err = db.One(ctx, q, db.Int64, `SELECT count(*) FROM watch_subscriber WHERE address = $1`, address)
	if err != nil {
		return 0, 0, err
	}
	all, err = db.One(ctx, q, db.Int64, `SELECT count(*) FROM watch_subscriber`)
	return one, all, err
}

func confirmed(ctx context.Context, q db.Querier, hoster core.MemberID) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM watch_subscriber WHERE hoster = $1 AND confirmed_us > 0`, string(hoster))
}

// askedMails counts the mails that typing an address caused since a moment; an empty
// address counts all.
func askedMails(ctx context.Context, q db.Querier, address string, since core.Moment) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM watch_subscriber_mail
		WHERE made_us >= $2 AND ($1 = '' OR address = $1) AND (event LIKE 'confirm/%' OR event LIKE 'known/%')`, address, int64(since))
}

// mail is one mail to one subscriber.
type mail struct {
	subscriber, event, address, state string
	made, next                        core.Moment
	failed, unsure                    int64
}

const mailColumns = `subscriber, event, address, state, made_us, next_us, failed, unsure`

func scanMail(r db.Row) (m mail, err error) {
	return m, r.Scan(&m.subscriber, &m.event, &m.address, &m.state, &m.made, &m.next, &m.failed, &m.unsure)
}

func addMail(ctx context.Context, q db.Querier, m mail) error {
	_, err := db.Exec(ctx, q, `INSERT INTO watch_subscriber_mail (`+mailColumns+`) VALUES ($1, $2, $3, 'open', $4, $5, 0, 0)
		ON CONFLICT (subscriber, event) DO NOTHING`, m.subscriber, m.event, m.address, int64(m.made), int64(m.next))
	return err
}

func dueMails(ctx context.Context, q db.Querier, now core.Moment, limit int) ([]mail, error) {
	return db.All(ctx, q, scanMail, `SELECT `+mailColumns+` FROM watch_subscriber_mail
		WHERE state = 'open' AND next_us <= $1 ORDER BY next_us, subscriber, event LIMIT $2`, int64(now), limit)
}

// keepMail writes a mail that stands as from says; false: somebody else changed it.
func keepMail(ctx context.Context, q db.Querier, from, to mail) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE watch_subscriber_mail SET state = $3, next_us = $4, failed = $5, unsure = $6
		WHERE subscriber = $1 AND event = $2 AND state = 'open' AND next_us = $7`,
		to.subscriber, to.event, to.state, int64(to.next), to.failed, to.unsure, int64(from.next))
	return n == 1, err
}

// addEvent takes an event in; false: it stood already.
func addEvent(ctx context.Context, q db.Querier, e Event) (bool, error) {
	services, err := json.Marshal(e.Services)
	if err != nil {
		return false, err
	}
	n, err := db.Exec(ctx, q, `INSERT INTO watch_event (id, hoster, kind, services, note, link, at_us) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO NOTHING`, e.ID, string(e.Hoster), string(e.Kind), string(services), e.Note, e.Link, int64(e.At))
	return n == 1, err
}

func getEvent(ctx context.Context, q db.Querier, id string) (Event, error) {
	return db.One(ctx, q, func(r db.Row) (e Event, err error) {
		var services string
		if err := r.Scan(&e.ID, &e.Hoster, &e.Kind, &services, &e.Note, &e.Link, &e.At); err != nil {
			return e, err
		}
		return e, json.Unmarshal([]byte(services), &e.Services)
	}, `SELECT id, hoster, kind, services, note, link, at_us FROM watch_event WHERE id = $1`, id)
}

// fanOut makes the mails of an event to everybody who confirmed and asked for it. Each of
// an address's subscriptions that fits would write; the first one does.
func fanOut(ctx context.Context, q db.Querier, e Event, now core.Moment) error {
	services := append([]string{}, e.Services...)
	for _, service := range append(services, "") {
		if _, err := db.Exec(ctx, q, `INSERT INTO watch_subscriber_mail (`+mailColumns+`)
			SELECT s.id, CAST($1 AS TEXT), s.address, 'open', CAST($2 AS BIGINT), CAST($2 AS BIGINT), 0, 0 FROM watch_subscriber s
			WHERE s.hoster = $3 AND s.service = $4 AND s.confirmed_us > 0
			AND NOT EXISTS (SELECT 1 FROM watch_subscriber_mail m WHERE m.event = $1 AND m.address = s.address)
			ON CONFLICT (subscriber, event) DO NOTHING`, e.ID, int64(now), string(e.Hoster), service); err != nil {
			return err
		}
	}
	return nil
}

func forget(ctx context.Context, q db.Querier, before, asked core.Moment) error {
	for query, at := range map[string]core.Moment{
		`DELETE FROM watch_subscriber_mail WHERE made_us < $1`:                 before,
		`DELETE FROM watch_event WHERE at_us < $1`:                             before,
		`DELETE FROM watch_subscriber WHERE confirmed_us = 0 AND made_us < $1`: asked,
	} {
		if _, err := db.Exec(ctx, q, query, int64(at)); err != nil {
			return err
		}
	}
	return nil
}
