package incident

import (
	"context"
	"encoding/json"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/watch/verdict"
)

const stepColumns = `key, target, service, state, weak, at_us, failing, voters, certificate, incident`

func scanStep(r db.Row) (s step, err error) {
	return s, r.Scan(&s.Key, &s.Target, &s.Service, &s.State, &s.Weak, &s.At, &s.Failing, &s.Voters, &s.Certificate, &s.incident)
}

// addStep adds a step that was not there; one that another process added meanwhile is the
// same.
func addStep(ctx context.Context, q db.Querier, owner core.MemberID, s step) error {
	_, err := db.Exec(ctx, q, `INSERT INTO watch_incident_step (owner, `+stepColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '')
		ON CONFLICT (owner, key) DO NOTHING`,
		string(owner), s.Key, s.Target, s.Service, string(s.State), s.Weak, int64(s.At), int64(s.Failing), int64(s.Voters), s.Certificate)
	return err
}

// stepByKey reads one step. CodeNotFound.
func stepByKey(ctx context.Context, q db.Querier, owner core.MemberID, key string) (step, error) {
	s, err := db.One(ctx, q, scanStep, `SELECT `+stepColumns+` FROM watch_incident_step WHERE owner = $1 AND key = $2`, string(owner), key)
	if errors.Is(err, db.ErrNoRow) {
		return s, core.NotFound("watch.incident.unknown", err)
	}
	return s, err
}

// tellStep adds what a verdict says beside its state: who voted, and where it is proved.
func tellStep(ctx context.Context, q db.Querier, owner core.MemberID, s step) error {
	_, err := db.Exec(ctx, q, `UPDATE watch_incident_step SET failing = $3, voters = $4, certificate = CASE WHEN $5 = '' THEN certificate ELSE $5 END WHERE owner = $1 AND key = $2`,
		string(owner), s.Key, int64(s.Failing), int64(s.Voters), s.Certificate)
	return err
}

// moveStep corrects when a state began, and how sure it is.
func moveStep(ctx context.Context, q db.Querier, owner core.MemberID, s step) error {
	_, err := db.Exec(ctx, q, `UPDATE watch_incident_step SET at_us = $3, weak = $4, state = $5 WHERE owner = $1 AND key = $2`, string(owner), s.Key, int64(s.At), s.Weak, string(s.State))
	return err
}

func dropStep(ctx context.Context, q db.Querier, owner core.MemberID, key string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM watch_incident_step WHERE owner = $1 AND key = $2`, string(owner), key)
	return err
}

// stepsBetween reads the steps of one target after a moment, up to another.
func stepsBetween(ctx context.Context, q db.Querier, k verdict.Key, from, to core.Moment) ([]step, error) {
	return db.All(ctx, q, scanStep, `SELECT `+stepColumns+` FROM watch_incident_step WHERE owner = $1 AND target = $2 AND at_us > $3 AND at_us <= $4 ORDER BY at_us, key`,
		string(k.Owner), k.Target, int64(from), int64(to))
}

// countSteps is how many steps of a target began in a time.
func countSteps(ctx context.Context, q db.Querier, owner core.MemberID, target string, around core.Moment) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM watch_incident_step WHERE owner = $1 AND target = $2 AND at_us > $3 AND at_us <= $4`,
		string(owner), target, int64(around.Add(-day)), int64(around))
}

// stepsSince reads what a hoster's incidents are derived from: the steps since a moment, and
// all withdrawals of targets.
func stepsSince(ctx context.Context, q db.Querier, owner core.MemberID, from core.Moment) ([]step, error) {
	return db.All(ctx, q, scanStep, `SELECT `+stepColumns+` FROM watch_incident_step WHERE owner = $1 AND (at_us >= $2 OR state = 'withdrawn') ORDER BY at_us, key`, string(owner), int64(from))
}

func stepsOf(ctx context.Context, q db.Querier, owner core.MemberID, id string, limit int) ([]step, error) {
	return db.All(ctx, q, scanStep, `SELECT `+stepColumns+` FROM watch_incident_step WHERE owner = $1 AND incident = $2 ORDER BY at_us, key LIMIT $3`, string(owner), id, limit)
}

// quiet finds the latest moment, at or before at, from which incidents can be derived anew:
// nothing is down then, and whatever was down before was over for an hour.
func quiet(ctx context.Context, q db.Querier, owner core.MemberID, at core.Moment) (core.Moment, error) {
	for {
		first, err := db.One(ctx, q, db.Int64, `SELECT coalesce(min(opened_us), $2) FROM watch_incident
			WHERE owner = $1 AND NOT manual AND opened_us < $2 AND (closed_us = 0 OR closed_us >= $3)`, string(owner), int64(at), int64(at.Add(-flapWithin)))
		if err != nil || core.Moment(first) == at {
			return at, err
		}
		at = core.Moment(first)
	}
}

// listing is what a row of watch_incident has beside its columns.
type listing struct {
	Scope    Scope    `json:"scope"`
	Services []string `json:"services"`
	Targets  []string `json:"targets"`
	Weak     bool     `json:"weak"`
	Unstable bool     `json:"unstable"`
	Down     []string `json:"down"`
	Unsure   []string `json:"unsure"`
}

const incidentColumns = `id, owner, opened_us, closed_us, listing`

func scanIncident(r db.Row) (i Incident, err error) {
	var text string
	if err := r.Scan(&i.ID, &i.Owner, &i.Opened, &i.Closed, &text); err != nil {
		return i, err
	}
	var l listing
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return i, err
	}
	i.Scope, i.Services, i.Targets, i.Weak, i.Unstable, i.Down, i.Unsure = l.Scope, l.Services, l.Targets, l.Weak, l.Unstable, l.Down, l.Unsure
	return i, nil
}

func putIncident(ctx context.Context, q db.Querier, i Incident) error {
	text, err := json.Marshal(listing{i.Scope, i.Services, i.Targets, i.Weak, i.Unstable, i.Down, i.Unsure})
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO watch_incident (id, owner, manual, opened_us, closed_us, listing) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET opened_us = $4, closed_us = $5, listing = $6 WHERE watch_incident.owner = $2`,
		i.ID, string(i.Owner), i.Scope == Manual, int64(i.Opened), int64(i.Closed), string(text))
	return err
}

// derivedSince lists the incidents that verdicts made from a moment on.
func derivedSince(ctx context.Context, q db.Querier, owner core.MemberID, from core.Moment) ([]Incident, error) {
	return db.All(ctx, q, scanIncident, `SELECT `+incidentColumns+` FROM watch_incident WHERE owner = $1 AND NOT manual AND opened_us >= $2 ORDER BY opened_us, id`,
		string(owner), int64(from))
}

func dropIncident(ctx context.Context, q db.Querier, id string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM watch_incident WHERE id = $1`, id)
	return err
}

// assign says which incident a step is of; empty = of none.
func assign(ctx context.Context, q db.Querier, owner core.MemberID, key, id string) error {
	_, err := db.Exec(ctx, q, `UPDATE watch_incident_step SET incident = $3 WHERE owner = $1 AND key = $2`, string(owner), key, id)
	return err
}

// byID reads an incident by its id, or by the hash of any certificate of it. CodeNotFound.
func byID(ctx context.Context, q db.Querier, id string) (Incident, error) {
	i, err := db.One(ctx, q, scanIncident, `SELECT `+incidentColumns+` FROM watch_incident WHERE id = $1`, id)
	if errors.Is(err, db.ErrNoRow) {
		i, err = db.One(ctx, q, scanIncident, `SELECT `+incidentColumns+` FROM watch_incident
			WHERE id IN (SELECT incident FROM watch_incident_step WHERE (key = $1 OR certificate = $1) AND incident <> '')`, id)
	}
	if errors.Is(err, db.ErrNoRow) {
		return i, core.NotFound("watch.incident.unknown", err).With("ID", short(id))
	}
	return i, err
}

// like finds a hoster's incidents whose id begins so, two at most.
func like(ctx context.Context, q db.Querier, owner core.MemberID, prefix string) ([]Incident, error) {
	return db.All(ctx, q, scanIncident, `SELECT `+incidentColumns+` FROM watch_incident
		WHERE id >= $1 AND id < $2 AND ($3 = '' OR owner = $3) ORDER BY id LIMIT 2`, prefix, prefix+"g", string(owner))
}

// list reads a hoster's incidents that were open at some time since a moment, the newest
// first; owner empty: everybody's.
func list(ctx context.Context, q db.Querier, owner core.MemberID, since core.Moment, limit int) ([]Incident, error) {
	return db.All(ctx, q, scanIncident, `SELECT `+incidentColumns+` FROM watch_incident
		WHERE ($1 = '' OR owner = $1) AND (closed_us = 0 OR closed_us >= $2) ORDER BY opened_us DESC, id LIMIT $3`, string(owner), int64(since), limit)
}

// lasting reads the open incidents that verdicts made, the oldest first.
func lasting(ctx context.Context, q db.Querier, limit int) ([]Incident, error) {
	return db.All(ctx, q, scanIncident, `SELECT `+incidentColumns+` FROM watch_incident WHERE closed_us = 0 AND NOT manual ORDER BY opened_us, id LIMIT $1`, limit)
}

// lastStep is when an incident's newest step was.
func lastStep(ctx context.Context, q db.Querier, owner core.MemberID, id string) (core.Moment, error) {
	at, err := db.One(ctx, q, db.Int64, `SELECT max(at_us) FROM watch_incident_step WHERE owner = $1 AND incident = $2`, string(owner), id)
	return core.Moment(at), err
}

// countGone is how many withdrawals of targets are held of a hoster.
func countGone(ctx context.Context, q db.Querier, owner core.MemberID) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM watch_incident_step WHERE owner = $1 AND state = 'withdrawn'`, string(owner))
}
