package debate

import (
	"context"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wire"
)

const columns = `id, origin, incident, reason, state, lang, title, story, question, from_us, until_us, down_us, reader, report, asked_us, reading, note, read_us,
	doc, made_us, public_us, closed_us`

func scan(r db.Row) (d Debate, err error) {
	var story string
	var down int64
	err = r.Scan(&d.ID, &d.origin, &d.Incident, &d.Reason, &d.State, &d.Lang, &d.Title, &story, &d.Question, &d.From, &d.Until, &down, &d.Reader, &d.report, &d.Asked,
		&d.reading, &d.Note, &d.Read, &d.Doc, &d.Made, &d.Published, &d.Ended)
	d.Down = time.Duration(down) * time.Microsecond
	if err == nil && story != "" {
		err = wire.Decode([]byte(story), &d.Story)
	}
	return d, err
}

// insert adds a debate unless its origin has one; added says whether it had none.
func insert(ctx context.Context, q db.Querier, d Debate) (added bool, err error) {
	n, err := write(ctx, q, d, `INSERT INTO assembly_debate (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
		ON CONFLICT (origin) DO NOTHING`)
	return n > 0, err
}

func save(ctx context.Context, q db.Querier, d Debate) error {
	_, err := write(ctx, q, d, `UPDATE assembly_debate SET origin = $2, incident = $3, reason = $4, state = $5, lang = $6, title = $7, story = $8, question = $9, from_us = $10, until_us = $11,
		down_us = $12, reader = $13, report = $14, asked_us = $15, reading = $16, note = $17, read_us = $18, doc = $19, made_us = $20, public_us = $21, closed_us = $22 WHERE id = $1`)
	return err
}

func write(ctx context.Context, q db.Querier, d Debate, query string) (int64, error) {
	story := []byte{}
	if d.Story != (Story{}) {
		var err error
		if story, err = wire.Encode(d.Story); err != nil {
			return 0, err
		}
	}
	return db.Exec(ctx, q, query, d.ID, d.origin, d.Incident, string(d.Reason), string(d.State), d.Lang, d.Title, string(story), d.Question, int64(d.From), int64(d.Until), d.Down.Microseconds(),
		string(d.Reader), d.report, int64(d.Asked), d.reading, d.Note, int64(d.Read), d.Doc, int64(d.Made), int64(d.Published), int64(d.Ended))
}

// get finds a debate by its id, the beginning of it, or the id of its question.
func get(ctx context.Context, q db.Querier, id string) (Debate, error) {
	unknown := core.NotFound("assembly.debate.unknown", errors.New("no such debate"))
	if len(id) < 4 || len(id) > 64 {
		return Debate{}, unknown
	}
	found, err := db.All(ctx, q, scan, `SELECT `+columns+` FROM assembly_debate WHERE substr(id, 1, $2) = $1 OR doc = $1 ORDER BY id LIMIT 2`, id, len(id))
	switch {
	case err != nil:
		return Debate{}, err
	case len(found) == 0:
		return Debate{}, unknown
	case len(found) > 1:
		return Debate{}, core.Invalid("assembly.debate.ambiguous", errors.New("several"))
	}
	return found[0], nil
}

func hasOrigin(ctx context.Context, q db.Querier, origin string) (bool, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM assembly_debate WHERE origin = $1`, origin)
	return n > 0, err
}

// inStates lists debates, the newest first; public only: those that are or were public.
func inStates(ctx context.Context, q db.Querier, states []State, limit, from int) ([]Debate, error) {
	of := make([]string, 4)
	for i, s := range states {
		of[i] = string(s)
	}
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM assembly_debate WHERE state IN ($1, $2, $3, $4) ORDER BY CASE WHEN public_us > 0 THEN public_us ELSE made_us END DESC, id LIMIT $5 OFFSET $6`,
		of[0], of[1], of[2], of[3], limit, from)
}

// awaited are the drafts that a reader has still to answer.
func awaited(ctx context.Context, q db.Querier, since core.Moment) ([]Debate, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM assembly_debate WHERE state = 'draft' AND asked_us > $1 AND read_us = 0 ORDER BY asked_us, id LIMIT 100`, int64(since))
}

const actionColumns = `id, debate, what, role, due, link, made_us, done_us`

func scanAction(r db.Row) (a Action, err error) {
	return a, r.Scan(&a.ID, &a.Debate, &a.What, &a.Role, &a.Due, &a.Link, &a.Made, &a.Done)
}

func insertAction(ctx context.Context, q db.Querier, a Action) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_debate_action (`+actionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.ID, a.Debate, a.What, a.Role, a.Due, a.Link, int64(a.Made), int64(a.Done))
	return err
}

func saveAction(ctx context.Context, q db.Querier, a Action) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_debate_action SET link = $2, done_us = $3 WHERE id = $1`, a.ID, a.Link, int64(a.Done))
	return err
}

func removeAction(ctx context.Context, q db.Querier, id string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM assembly_debate_action WHERE id = $1`, id)
	return err
}

func getAction(ctx context.Context, q db.Querier, id string) (Action, error) {
	unknown := core.NotFound("assembly.debate.no_action", errors.New("no such action"))
	if len(id) < 4 || len(id) > 64 {
		return Action{}, unknown
	}
	found, err := db.All(ctx, q, scanAction, `SELECT `+actionColumns+` FROM assembly_debate_action WHERE substr(id, 1, $2) = $1 ORDER BY id LIMIT 2`, id, len(id))
	switch {
	case err != nil:
		return Action{}, err
	case len(found) == 0:
		return Action{}, unknown
	case len(found) > 1:
		return Action{}, core.Invalid("assembly.debate.ambiguous", errors.New("several"))
	}
	return found[0], nil
}

func actionsOf(ctx context.Context, q db.Querier, debate string) ([]Action, error) {
	return db.All(ctx, q, scanAction, `SELECT `+actionColumns+` FROM assembly_debate_action WHERE debate = $1 ORDER BY due, id LIMIT 100`, debate)
}

// lateActions are open ones of public debates, due before a day, the oldest first.
func lateActions(ctx context.Context, q db.Querier, before string) ([]Action, error) {
	return db.All(ctx, q, scanAction, `SELECT a.id, a.debate, a.what, a.role, a.due, a.link, a.made_us, a.done_us FROM assembly_debate_action a JOIN assembly_debate d ON d.id = a.debate
		WHERE d.state = 'public' AND a.done_us = 0 AND a.due < $1 ORDER BY a.due, a.id LIMIT 200`, before)
}

// Stats are counts; nothing of them names anybody.
type Stats struct {
	Drafts  int64 `json:"drafts"`
	Opened  int64 `json:"opened"` // ever public
	Closed  int64 `json:"closed"`
	Actions int64 `json:"actions"` // of those that were ever public
	Done    int64 `json:"done"`
	Late    int64 `json:"late"`
	Waiting int64 `json:"waiting"` // remarks that nobody here has read
	ToRead  int64 `json:"to_read"` // drafts of others
}

func counts(ctx context.Context, q db.Querier, before string) (Stats, error) {
	return db.One(ctx, q, func(r db.Row) (s Stats, err error) {
		return s, r.Scan(&s.Drafts, &s.Opened, &s.Closed, &s.Actions, &s.Done, &s.Late, &s.Waiting, &s.ToRead)
	}, `SELECT (SELECT count(*) FROM assembly_debate WHERE state = 'draft'),
		(SELECT count(*) FROM assembly_debate WHERE public_us > 0),
		(SELECT count(*) FROM assembly_debate WHERE state = 'closed'),
		(SELECT count(*) FROM assembly_debate_action a JOIN assembly_debate d ON d.id = a.debate WHERE d.public_us > 0),
		(SELECT count(*) FROM assembly_debate_action a JOIN assembly_debate d ON d.id = a.debate WHERE d.public_us > 0 AND a.done_us > 0),
		(SELECT count(*) FROM assembly_debate_action a JOIN assembly_debate d ON d.id = a.debate WHERE d.state = 'public' AND a.done_us = 0 AND a.due < $1),
		(SELECT count(*) FROM assembly_debate_paper p JOIN assembly_debate d ON d.doc = p.about WHERE p.kind = 'remark' AND p.state = 'held' AND p.standing = '' AND d.doc <> ''),
		(SELECT count(*) FROM assembly_debate_reading WHERE read_us = 0)`, before)
}

func lastSaid(ctx context.Context, q db.Querier) (month string, err error) {
	month, err = db.One(ctx, q, db.Text, `SELECT month FROM assembly_debate_said WHERE id = 'own'`)
	if errors.Is(err, db.ErrNoRow) {
		return "", nil
	}
	return month, err
}

func noteSaid(ctx context.Context, q db.Querier, month string) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_debate_said (id, month) VALUES ('own', $1) ON CONFLICT (id) DO UPDATE SET month = excluded.month`, month)
	return err
}
