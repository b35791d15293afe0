package need

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

func setOrigin(ctx context.Context, q db.Querier, n Need) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_need SET origin = $2, referral = $3 WHERE id = $1`, n.ID, string(n.Origin), n.referral)
	return err
}

// byReferral is the need that a member passed on under an id of its own. Returns CodeNotFound.
func byReferral(ctx context.Context, q db.Querier, from core.MemberID, id string) (Need, error) {
	return known(db.One(ctx, q, scan, `SELECT `+columns+` FROM assembly_need WHERE origin = $1 AND referral = $2 AND origin <> ''`, string(from), id))
}

func setLink(ctx context.Context, q db.Querier, id, link string) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_need SET link = $2 WHERE id = $1`, id, link)
	return err
}

// countFrom is how many needs wait that a member passed on.
func countFrom(ctx context.Context, q db.Querier, from core.MemberID) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM assembly_need WHERE origin = $1 AND standing = 'waiting'`, string(from))
}

func passedOf(ctx context.Context, q db.Querier, need string) ([]passed, error) {
	return db.All(ctx, q, func(r db.Row) (p passed, err error) { return p, r.Scan(&p.Member, &p.ID, &p.sealed) },
		`SELECT member, id, link FROM assembly_need_passed WHERE need = $1 ORDER BY at_us, member`, need)
}

func insertPassed(ctx context.Context, q db.Querier, need string, p passed, at core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_need_passed (need, member, id, link, at_us) VALUES ($1, $2, $3, $4, $5)`, need, string(p.Member), p.ID, []byte{}, int64(at))
	return err
}

func setPassed(ctx context.Context, q db.Querier, need string, member core.MemberID, link []byte) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_need_passed SET link = $3 WHERE need = $1 AND member = $2`, need, string(member), link)
	return err
}

func scanTheir(r db.Row) (t Their, err error) {
	return t, r.Scan(&t.Member, &t.ID, &t.Goal, &t.State, &t.Offered)
}

// replaceTheirs puts what a member publishes now in the place of what it published.
func replaceTheirs(ctx context.Context, q db.Querier, from core.MemberID, list []Their, at core.Moment) error {
	if _, err := db.Exec(ctx, q, `DELETE FROM assembly_need_theirs WHERE member = $1`, string(from)); err != nil {
		return err
	}
	for _, t := range list {
		if _, err := db.Exec(ctx, q, `INSERT INTO assembly_need_theirs (member, id, goal, state, offered, read_us) VALUES ($1, $2, $3, $4, $5, $6)`,
			string(from), t.ID, t.Goal, string(t.State), string(t.Offered), int64(at)); err != nil {
			return err
		}
	}
	return nil
}

func forgetTheirs(ctx context.Context, q db.Querier, before core.Moment) error {
	_, err := db.Exec(ctx, q, `DELETE FROM assembly_need_theirs WHERE read_us < $1`, int64(before))
	return err
}

// theirsOf takes one need of each member in turn until there are enough, so that none fills
// the list alone.
func theirsOf(ctx context.Context, q db.Querier, limit int) ([]Their, error) {
	return db.All(ctx, q, scanTheir, `SELECT member, id, goal, state, offered FROM (
		SELECT member, id, goal, state, offered FROM (
			SELECT member, id, goal, state, offered, row_number() OVER (PARTITION BY member ORDER BY goal, id) AS turn FROM assembly_need_theirs
		) AS turns ORDER BY turn, member LIMIT $1) AS taken ORDER BY member, goal, id`, limit)
}

func hasTheir(ctx context.Context, q db.Querier, member core.MemberID, id string) error {
	_, err := db.One(ctx, q, db.Text, `SELECT id FROM assembly_need_theirs WHERE member = $1 AND id = $2`, string(member), id)
	if errors.Is(err, db.ErrNoRow) {
		return core.NotFound("assembly.need.unknown", err)
	}
	return err
}

func addSame(ctx context.Context, q db.Querier, need string, member core.MemberID, their string) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_need_same (need, member, their) VALUES ($1, $2, $3) ON CONFLICT (need, member, their) DO NOTHING`, need, string(member), their)
	return err
}

// removeSame takes it back at a need and at what was merged into it, as sameAmong reads it.
func removeSame(ctx context.Context, q db.Querier, need string, member core.MemberID, their string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM assembly_need_same WHERE member = $2 AND their = $3
		AND need IN (SELECT id FROM assembly_need WHERE id = $1 OR merged_into = $1)`, need, string(member), their)
	return err
}
