package delivery

import (
	"context"
	"encoding/json"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/watch/alert/contact"
)

const noticeColumns = `n.key, n.owner, n.incident, n.kind, n.level, n.weak, n.services, n.link, n.at_us, n.over_us, n.acked_us, n.acked_by, n.step, n.step_us, n.person, n.ends_us`

func (r *record) fields(services *string) []any {
	return []any{
		&r.key, &r.Owner, &r.Incident, &r.Kind, &r.Level, &r.Weak, services, &r.Link, &r.At, &r.over, &r.acked, &r.ackedBy, &r.step, &r.due, &r.Person, &r.Ends,
	}
}

func scanNotice(row db.Row) (r record, err error) {
	var services string
	if err := row.Scan(r.fields(&services)...); err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(services), &r.Services)
}

// addNotice takes a notice in; false: it stood already.
func addNotice(ctx context.Context, q db.Querier, r record) (bool, error) {
	services, err := json.Marshal(r.Services)
	if err != nil {
		return false, err
	}
	n, err := db.Exec(ctx, q, `INSERT INTO watch_notice (key, owner, incident, kind, level, weak, services, link, at_us, over_us, acked_us, acked_by, step, step_us, person, ends_us)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (key) DO NOTHING`,
		r.key, string(r.Owner), r.Incident, string(r.Kind), string(r.Level), r.Weak, string(services), r.Link, int64(r.At), int64(r.over),
		int64(r.acked), r.ackedBy, int64(r.step), int64(r.due), r.Person, int64(r.Ends))
	return n == 1, err
}

func noticesOf(ctx context.Context, q db.Querier, owner core.MemberID, incident string) ([]record, error) {
	return db.All(ctx, q, scanNotice, `SELECT `+noticeColumns+` FROM watch_notice n WHERE n.owner = $1 AND n.incident = $2 ORDER BY n.at_us, n.key`,
		string(owner), incident)
}

func noticeBy(ctx context.Context, q db.Querier, key string) (record, error) {
	return db.One(ctx, q, scanNotice, `SELECT `+noticeColumns+` FROM watch_notice n WHERE n.key = $1`, key)
}

func recentNotices(ctx context.Context, q db.Querier, since core.Moment, limit int) ([]record, error) {
	return db.All(ctx, q, scanNotice, `SELECT `+noticeColumns+` FROM watch_notice n WHERE n.at_us >= $1 ORDER BY n.at_us DESC, n.key LIMIT $2`,
		int64(since), limit)
}

// lastingNotices are those of a kind that are not over, the oldest first.
func lastingNotices(ctx context.Context, q db.Querier, kind Kind) ([]record, error) {
	return db.All(ctx, q, scanNotice, `SELECT `+noticeColumns+` FROM watch_notice n WHERE n.kind = $1 AND n.over_us = 0 ORDER BY n.at_us, n.key LIMIT $2`,
		string(kind), maxLasting)
}

// unanswered are notices that may wake and that nobody acknowledged in time.
func unanswered(ctx context.Context, q db.Querier, now core.Moment) ([]record, error) {
	return db.All(ctx, q, scanNotice, `SELECT `+noticeColumns+` FROM watch_notice n
		WHERE n.level = 'page' AND n.over_us = 0 AND n.acked_us = 0 AND n.person = '' AND n.step < $1 AND n.step_us <= $2 ORDER BY n.step_us LIMIT 100`,
		int64(contact.Team), int64(now))
}

func setStep(ctx context.Context, q db.Querier, key string, step contact.Step, next core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE watch_notice SET step = $2, step_us = $3 WHERE key = $1`, key, int64(step), int64(next))
	return err
}

func setOver(ctx context.Context, q db.Querier, key string, at core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE watch_notice SET over_us = $2 WHERE key = $1 AND over_us = 0`, key, int64(at))
	return err
}

// reopen has a notice last again, and forgets the one that said the contrary.
func reopen(ctx context.Context, q db.Querier, key, steady string) error {
	for query, of := range map[string]string{
		`UPDATE watch_notice SET over_us = 0 WHERE key = $1`: key,
		`DELETE FROM watch_delivery WHERE key = $1`:          steady,
		`DELETE FROM watch_notice WHERE key = $1`:            steady,
	} {
		if _, err := db.Exec(ctx, q, query, of); err != nil {
			return err
		}
	}
	return nil
}

// newerOutages are the notices of an owner's outages that began since a moment.
func newerOutages(ctx context.Context, q db.Querier, owner core.MemberID, since core.Moment) ([]record, error) {
	return db.All(ctx, q, scanNotice, `SELECT `+noticeColumns+` FROM watch_notice n
		WHERE n.owner = $1 AND n.at_us >= $2 AND n.kind IN ('down', 'partial', 'unstable') ORDER BY n.at_us, n.key LIMIT 1000`, string(owner), int64(since))
}

func setAcked(ctx context.Context, q db.Querier, r record, person string, at core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE watch_notice SET acked_us = $3, acked_by = $4
		WHERE owner = $1 AND incident = $2 AND acked_us = 0`, string(r.Owner), r.Incident, int64(at), person)
	if err != nil || n == 0 {
		return false, err
	}
	_, err = db.Exec(ctx, q, `UPDATE watch_delivery SET state = 'dropped', done_us = $3
		WHERE state = 'open' AND step <> 'oncall' AND key IN (SELECT key FROM watch_notice WHERE owner = $1 AND incident = $2)`,
		string(r.Owner), r.Incident, int64(at))
	return true, err
}

const deliveryColumns = `d.key, d.person, d.step, d.owner, d.state, d.next_us, d.tries, d.rounds, d.channel, d.error, d.done_us, d.waits, d.held_us`

func (d *Delivery) fields(tries *string) []any {
	return []any{&d.Key, &d.Person, &d.Step, &d.Owner, &d.State, &d.Next, tries, &d.Rounds, &d.Channel, &d.Error, &d.Done, &d.Waits, &d.Held}
}

func scanDelivery(row db.Row) (d Delivery, err error) {
	var tries string
	if err := row.Scan(d.fields(&tries)...); err != nil {
		return d, err
	}
	return d, json.Unmarshal([]byte(tries), &d.Tries)
}

func scanTask(row db.Row) (t task, err error) {
	var tries, services string
	if err := row.Scan(append(t.record.fields(&services), t.Delivery.fields(&tries)...)...); err != nil {
		return t, err
	}
	if err := json.Unmarshal([]byte(services), &t.Services); err != nil {
		return t, err
	}
	return t, json.Unmarshal([]byte(tries), &t.Tries)
}

func addDelivery(ctx context.Context, q db.Querier, d Delivery) error {
	_, err := db.Exec(ctx, q, `INSERT INTO watch_delivery (key, person, step, owner, state, next_us, tries, rounds, channel, error, done_us)
		VALUES ($1, $2, $3, $4, 'open', $5, '{}', 0, '', '', 0) ON CONFLICT (key, person, step) DO NOTHING`,
		d.Key, d.Person, d.Step, string(d.Owner), int64(d.Next))
	return err
}

// dueOwners are those whose people something is due for.
func dueOwners(ctx context.Context, q db.Querier, now core.Moment) ([]core.MemberID, error) {
	return db.All(ctx, q, func(r db.Row) (id core.MemberID, err error) { return id, r.Scan(&id) },
		`SELECT DISTINCT owner FROM watch_delivery WHERE state = 'open' AND next_us <= $1`, int64(now))
}

// dueTasks are an owner's open deliveries whose time came, with their notices.
func dueTasks(ctx context.Context, q db.Querier, owner core.MemberID, now core.Moment, limit int) ([]task, error) {
	return db.All(ctx, q, scanTask, `SELECT `+noticeColumns+`, `+deliveryColumns+` FROM watch_delivery d JOIN watch_notice n ON n.key = d.key
		WHERE d.owner = $1 AND d.state = 'open' AND d.next_us <= $2 ORDER BY d.next_us, d.key, d.person LIMIT $3`, string(owner), int64(now), limit)
}

// postpone lets what is due for an owner now wait until later; what is being tried stays.
func postpone(ctx context.Context, q db.Querier, owner core.MemberID, now, later core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE watch_delivery SET next_us = $3 WHERE owner = $1 AND state = 'open' AND next_us <= $2`,
		string(owner), int64(now), int64(later))
	return err
}

// countOpen is how many deliveries of an owner are not done.
func countOpen(ctx context.Context, q db.Querier, owner core.MemberID) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM watch_delivery WHERE owner = $1 AND state = 'open'`, string(owner))
}

// keep writes a delivery that stands as from says; false: somebody else changed it.
func keep(ctx context.Context, q db.Querier, from, to Delivery) (bool, error) {
	tries, err := json.Marshal(to.Tries)
	if err != nil {
		return false, err
	}
	n, err := db.Exec(ctx, q, `UPDATE watch_delivery SET state = $4, next_us = $5, tries = $6, rounds = $7, channel = $8, error = $9, done_us = $10, waits = $12, held_us = $13
		WHERE key = $1 AND person = $2 AND step = $3 AND state = 'open' AND next_us = $11`,
		to.Key, to.Person, to.Step, string(to.State), int64(to.Next), string(tries), int64(to.Rounds), to.Channel, to.Error, int64(to.Done), int64(from.Next), to.Waits, int64(to.Held))
	return n == 1, err
}

func deliveriesOf(ctx context.Context, q db.Querier, owner core.MemberID, incident string) ([]Delivery, error) {
	return db.All(ctx, q, scanDelivery, `SELECT `+deliveryColumns+` FROM watch_delivery d
		WHERE d.key IN (SELECT key FROM watch_notice WHERE owner = $1 AND incident = $2) ORDER BY d.done_us, d.key, d.person, d.step`,
		string(owner), incident)
}

func recentDeliveries(ctx context.Context, q db.Querier, owner core.MemberID, since core.Moment) ([]Delivery, error) {
	return db.All(ctx, q, scanDelivery, `SELECT `+deliveryColumns+` FROM watch_delivery d
		WHERE d.owner = $1 AND (d.done_us >= $2 OR d.done_us = 0) ORDER BY d.done_us DESC, d.key, d.person, d.step LIMIT 2000`, string(owner), int64(since))
}

func scanVoice(row db.Row) (v voice, err error) {
	return v, row.Scan(&v.Owner, &v.Key, &v.Person, &v.Step, &v.State, &v.At, &v.by, &v.heard)
}

const maxReceipts = 20000

// addVoice takes in what one teller says; false: it said so before. What it only heard and
// then did itself counts as done.
func addVoice(ctx context.Context, q db.Querier, v voice) (bool, error) {
	count, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM watch_receipt WHERE by = $1`, string(v.by))
	if err != nil || count >= maxReceipts {
		return false, err
	}
	n, err := db.Exec(ctx, q, `INSERT INTO watch_receipt (key, person, step, owner, state, by, at_us, heard_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (key, person, step, owner, by) DO UPDATE SET state = $5, at_us = $7 WHERE watch_receipt.state = 'told' AND $5 <> 'told'`,
		v.Key, v.Person, v.Step, string(v.Owner), v.State, string(v.by), int64(v.At), int64(v.heard))
	return n == 1, err
}

// voicesOf are what was said of a notice, in the order in which it came.
func voicesOf(ctx context.Context, q db.Querier, key string) ([]voice, error) {
	return db.All(ctx, q, scanVoice, `SELECT owner, key, person, step, state, at_us, by, heard_us FROM watch_receipt WHERE key = $1 ORDER BY heard_us, by, person, step LIMIT 1000`, key)
}

// putOff has nobody else asked about a notice before a moment.
func putOff(ctx context.Context, q db.Querier, key string, until core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE watch_notice SET step_us = $2 WHERE key = $1 AND step_us < $2`, key, int64(until))
	return err
}

// forget drops what is older than a moment.
func forget(ctx context.Context, q db.Querier, before core.Moment) error {
	for _, query := range []string{
		`DELETE FROM watch_delivery WHERE key IN (SELECT key FROM watch_notice WHERE at_us < $1)`,
		`DELETE FROM watch_notice WHERE at_us < $1`,
		`DELETE FROM watch_receipt WHERE heard_us < $1`,
	} {
		if _, err := db.Exec(ctx, q, query, int64(before)); err != nil {
			return err
		}
	}
	return nil
}
