package incident

import (
	"context"
	"encoding/json"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// said is an entry of a hoster about an incident, as it is stored.
type said struct {
	Hash     string
	Owner    core.MemberID
	Index    int64
	Incident string
	Kind     Kind
	Name     string // of the text
	At, Said core.Moment
	Services []string
}

const noteColumns = `hash, owner, idx, incident, kind, sha256, at_us, said_us, services`

func scanNote(r db.Row) (n said, err error) {
	var services string
	if err := r.Scan(&n.Hash, &n.Owner, &n.Index, &n.Incident, &n.Kind, &n.Name, &n.At, &n.Said, &services); err != nil {
		return n, err
	}
	return n, json.Unmarshal([]byte(services), &n.Services)
}

// addNote says whether the entry is new here.
func addNote(ctx context.Context, q db.Querier, n said) (bool, error) {
	services, err := json.Marshal(n.Services)
	if err != nil {
		return false, err
	}
	rows, err := db.Exec(ctx, q, `INSERT INTO watch_note (`+noteColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (hash) DO NOTHING`,
		n.Hash, string(n.Owner), n.Index, n.Incident, string(n.Kind), n.Name, int64(n.At), int64(n.Said), string(services))
	return rows > 0, err
}

// notesOf reads what a hoster said of an incident, under its id or that of any step of it.
func notesOf(ctx context.Context, q db.Querier, owner core.MemberID, id string, limit int) ([]said, error) {
	return db.All(ctx, q, scanNote, `SELECT `+noteColumns+` FROM watch_note
		WHERE owner = $1 AND (incident = $2 OR incident IN (SELECT key FROM watch_incident_step WHERE owner = $1 AND incident = $2))
		ORDER BY at_us, idx LIMIT $3`, string(owner), id, limit)
}

// notesBetween counts what a hoster said in a time, and in all.
func notesBetween(ctx context.Context, q db.Querier, owner core.MemberID, from, to core.Moment) (here, all int64, err error) {
	counts, err := db.One(ctx, q, func(r db.Row) (c [2]int64, err error) { return c, r.Scan(&c[0], &c[1]) },
		`SELECT count(*) FILTER (WHERE said_us > $2 AND said_us <= $3), count(*) FROM watch_note WHERE owner = $1`, string(owner), int64(from), int64(to))
	return counts[0], counts[1], err
}

// notesFrom lists what a logbook said from an index on.
func notesFrom(ctx context.Context, q db.Querier, owner core.MemberID, index int64) ([]said, error) {
	return db.All(ctx, q, scanNote, `SELECT `+noteColumns+` FROM watch_note WHERE owner = $1 AND idx >= $2 ORDER BY idx`, string(owner), index)
}

func dropNote(ctx context.Context, q db.Querier, hash string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM watch_note WHERE hash = $1`, hash)
	return err
}

// postmortems lists the notes that are postmortems, the newest first; owner empty:
// everybody's.
func postmortems(ctx context.Context, q db.Querier, owner core.MemberID, limit int) ([]said, error) {
	return db.All(ctx, q, scanNote, `SELECT `+noteColumns+` FROM watch_note WHERE kind = 'postmortem' AND ($1 = '' OR owner = $1) ORDER BY at_us DESC, hash LIMIT $2`,
		string(owner), limit)
}

// addEvent puts something to be told in line; one that waits already changes nothing.
func addEvent(ctx context.Context, q db.Querier, e Event) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO watch_incident_event (id, at_us, event) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`, e.ID, int64(e.At), string(text))
	return err
}

func events(ctx context.Context, q db.Querier, limit int) ([]Event, error) {
	return db.All(ctx, q, func(r db.Row) (e Event, err error) {
		text, err := db.Text(r)
		if err != nil {
			return e, err
		}
		return e, json.Unmarshal([]byte(text), &e)
	}, `SELECT event FROM watch_incident_event ORDER BY at_us, id LIMIT $1`, limit)
}

func dropEvent(ctx context.Context, q db.Querier, id string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM watch_incident_event WHERE id = $1`, id)
	return err
}

// dropOldEvents forgets the oldest events, a thousand at a time, where more than so many wait.
func dropOldEvents(ctx context.Context, q db.Querier, most int) error {
	_, err := db.Exec(ctx, q, `DELETE FROM watch_incident_event WHERE id IN (SELECT id FROM watch_incident_event ORDER BY at_us DESC, id LIMIT 1000 OFFSET $1)`, most)
	return err
}

// noteNamed finds the note of a member that brought a text. CodeNotFound.
func noteNamed(ctx context.Context, q db.Querier, name string, owner core.MemberID) (said, error) {
	n, err := db.One(ctx, q, scanNote, `SELECT `+noteColumns+` FROM watch_note WHERE sha256 = $1 AND owner = $2 AND kind <> 'withdraw' ORDER BY idx LIMIT 1`, name, string(owner))
	if errors.Is(err, db.ErrNoRow) {
		return n, core.NotFound("watch.incident.no_note", err)
	}
	return n, err
}

// planNamed finds the maintenance of a member that brought a text. CodeNotFound.
func planNamed(ctx context.Context, q db.Querier, name string, owner core.MemberID) (id string, err error) {
	id, err = db.One(ctx, q, db.Text, `SELECT id FROM watch_maintenance WHERE sha256 = $1 AND owner = $2 ORDER BY idx LIMIT 1`, name, string(owner))
	if errors.Is(err, db.ErrNoRow) {
		return "", core.NotFound("watch.incident.no_note", err)
	}
	return id, err
}

// noteByHash reads the note of an entry. CodeNotFound.
func noteByHash(ctx context.Context, q db.Querier, hash string) (said, error) {
	n, err := db.One(ctx, q, scanNote, `SELECT `+noteColumns+` FROM watch_note WHERE hash = $1`, hash)
	if errors.Is(err, db.ErrNoRow) {
		return n, core.NotFound("watch.incident.no_note", err)
	}
	return n, err
}

// namesLike finds names of texts that begin so, two at most.
func namesLike(ctx context.Context, q db.Querier, prefix string) ([]string, error) {
	return db.All(ctx, q, db.Text, `SELECT DISTINCT sha256 FROM watch_note_text WHERE sha256 >= $1 AND sha256 < $2 ORDER BY sha256 LIMIT 2`, prefix, prefix+"g")
}
