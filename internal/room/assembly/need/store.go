package need

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

const columns = `id, link, lang, service, goal, obstacle, shown_goal, shown_obstacle, standing, reason, state, merged_into, address, confirmed_us,
	made_us, decided_us, heard_us, changed_us, origin, asked_us`

func scan(r db.Row) (n Need, err error) {
	err = r.Scan(&n.ID, &n.link, &n.Lang, &n.Service, &n.Goal, &n.Obstacle, &n.ShownGoal, &n.ShownObstacle, &n.Standing, &n.Reason, &n.State, &n.MergedInto,
		&n.address, &n.Confirmed, &n.Made, &n.Decided, &n.Heard, &n.Changed, &n.Origin, &n.Asked)
	n.HasAddress = len(n.address) > 0
	return n, err
}

func insert(ctx context.Context, q db.Querier, n Need) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_need (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, '', '', $7, '', '', '', $8, 0, $9, 0, 0, $9, '', $10)`,
		n.ID, n.link, n.Lang, n.Service, n.Goal, n.Obstacle, string(Waiting), orEmpty(n.address), int64(n.Made), int64(n.Asked))
	return err
}

func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// save writes what moderation and answers change.
func save(ctx context.Context, q db.Querier, n Need) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_need SET shown_goal = $2, shown_obstacle = $3, standing = $4, reason = $5, state = $6, merged_into = $7,
		confirmed_us = $8, decided_us = $9, heard_us = $10, changed_us = $11, address = $12, asked_us = $13 WHERE id = $1`,
		n.ID, n.ShownGoal, n.ShownObstacle, string(n.Standing), n.Reason, string(n.State), n.MergedInto,
		int64(n.Confirmed), int64(n.Decided), int64(n.Heard), int64(n.Changed), orEmpty(n.address), int64(n.Asked))
	return err
}

func get(ctx context.Context, q db.Querier, id string) (Need, error) {
	return known(db.One(ctx, q, scan, `SELECT `+columns+` FROM assembly_need WHERE id = $1`, id))
}

func byLink(ctx context.Context, q db.Querier, hash string) (Need, error) {
	return known(db.One(ctx, q, scan, `SELECT `+columns+` FROM assembly_need WHERE link = $1`, hash))
}

func known(n Need, err error) (Need, error) {
	if errors.Is(err, db.ErrNoRow) {
		return n, core.NotFound("assembly.need.unknown", err)
	}
	return n, err
}

// byStanding lists needs, the newest first; merged ones are left out.
func byStanding(ctx context.Context, q db.Querier, standing Standing, limit, from int) ([]Need, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM assembly_need WHERE standing = $1 AND merged_into = '' ORDER BY made_us DESC, id LIMIT $2 OFFSET $3`,
		string(standing), limit, from)
}

// byHeard lists published needs: those with an answer, the newest first, or those without,
// the oldest first.
func byHeard(ctx context.Context, q db.Querier, answered bool, limit int) ([]Need, error) {
	const from = `SELECT ` + columns + ` FROM assembly_need WHERE standing = 'published' AND merged_into = '' AND `
	if answered {
		return db.All(ctx, q, scan, from+`heard_us > 0 ORDER BY made_us DESC, id LIMIT $1`, limit)
	}
	return db.All(ctx, q, scan, from+`heard_us = 0 ORDER BY made_us, id LIMIT $1`, limit)
}

func mergedInto(ctx context.Context, q db.Querier, id string) ([]Need, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM assembly_need WHERE merged_into = $1 ORDER BY made_us, id LIMIT 200`, id)
}

func countWaiting(ctx context.Context, q db.Querier) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM assembly_need WHERE standing = $1`, string(Waiting))
}

// oldestWaiting is when the oldest need came that waits for a moderator; 0 = none does.
func oldestWaiting(ctx context.Context, q db.Querier) (core.Moment, error) {
	at, err := db.One(ctx, q, db.Int64, `SELECT min(made_us) FROM assembly_need WHERE standing = $1`, string(Waiting))
	return core.Moment(at), err
}

func remove(ctx context.Context, q db.Querier, id string) error {
	for _, query := range []string{
		`DELETE FROM assembly_need_answer WHERE need = $1`, `DELETE FROM assembly_need_voice WHERE need = $1`, `DELETE FROM assembly_need_mail WHERE need = $1`,
		`DELETE FROM assembly_need_passed WHERE need = $1`, `DELETE FROM assembly_need_same WHERE need = $1`,
		`DELETE FROM assembly_need WHERE id = $1`,
	} {
		if _, err := db.Exec(ctx, q, query, id); err != nil {
			return err
		}
	}
	return setFree(ctx, q, id)
}

// setFree lets what was merged into a need stand for itself.
func setFree(ctx context.Context, q db.Querier, id string) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_need SET merged_into = '' WHERE merged_into = $1`, id)
	return err
}

func addAnswer(ctx context.Context, q db.Querier, id string, a Answer) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_need_answer (need, number, state, text, month, link, member, at_us)
		SELECT CAST($1 AS TEXT), 1 + coalesce(max(number), 0), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS TEXT), CAST($7 AS BIGINT)
		FROM assembly_need_answer WHERE need = $1`, id, string(a.State), a.Text, a.Month, a.Link, string(a.Member), int64(a.At))
	return err
}

func addVoice(ctx context.Context, q db.Querier, id, voice string) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_need_voice (need, voice) VALUES ($1, $2) ON CONFLICT (need, voice) DO NOTHING`, id, voice)
	return err
}

// forgetAddresses drops the addresses whose time is over. A need that was merged has the state
// of the other.
func forgetAddresses(ctx context.Context, q db.Querier, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_need SET address = $1, confirmed_us = 0 WHERE length(address) > 0 AND
		(confirmed_us = 0 AND asked_us < $4 OR EXISTS (SELECT 1 FROM assembly_need s
			WHERE s.id = CASE assembly_need.merged_into WHEN '' THEN assembly_need.id ELSE assembly_need.merged_into END AND
			((s.state NOT IN ('', 'heard', 'planned', 'collective') OR s.standing = 'refused') AND s.changed_us < $2 OR s.changed_us < $3)))`,
		[]byte{}, int64(now.Add(-addressKept)), int64(now.Add(-addressLongest)), int64(now.Add(-claimTime)))
	return err
}

// forgetRefused drops refused texts that nobody reads any more.
func forgetRefused(ctx context.Context, q db.Querier, before core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_need SET goal = '', obstacle = '', shown_goal = '', shown_obstacle = '', reason = '' WHERE standing = 'refused' AND changed_us < $1`, int64(before))
	return err
}

// waitedFor is how long each need waited for its first answer, in microseconds.
func waitedFor(ctx context.Context, q db.Querier, since core.Moment) ([]int64, error) {
	return db.All(ctx, q, db.Int64, `SELECT heard_us - made_us FROM assembly_need WHERE heard_us >= $1 AND heard_us > 0 ORDER BY heard_us DESC LIMIT 10000`, int64(since))
}

func counts(ctx context.Context, q db.Querier, late core.Moment) (Stats, error) {
	return db.One(ctx, q, func(r db.Row) (s Stats, err error) {
		return s, r.Scan(&s.Waiting, &s.Published, &s.Answered, &s.Late, &s.Refused)
	}, `SELECT count(*) FILTER (WHERE standing = 'waiting'), count(*) FILTER (WHERE standing = 'published' AND merged_into = ''),
		count(*) FILTER (WHERE standing = 'published' AND merged_into = '' AND heard_us > 0),
		count(*) FILTER (WHERE standing = 'published' AND heard_us = 0 AND merged_into = '' AND made_us <= $1),
		count(*) FILTER (WHERE standing = 'refused') FROM assembly_need`, int64(late))
}
