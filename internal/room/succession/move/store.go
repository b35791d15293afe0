package move

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/succession/recipe"
)

const columns = `id, recipe, file, sum, state, begun_us, changed_us`

func scanMove(r db.Row) (m Move, err error) {
	return m, r.Scan(&m.ID, &m.Recipe, &m.File, &m.sum, &m.State, &m.Begun, &m.Changed)
}

// one is a move. Returns CodeNotFound "succession.move.unknown".
func one(ctx context.Context, q db.Querier, id string) (Move, error) {
	m, err := db.One(ctx, q, scanMove, `SELECT `+columns+` FROM succession_move WHERE id = $1`, id)
	if errors.Is(err, db.ErrNoRow) {
		return m, core.NotFound("succession.move.unknown", err).With("ID", id)
	}
	return m, err
}

func all(ctx context.Context, q db.Querier) ([]Move, error) {
	return db.All(ctx, q, scanMove, `SELECT `+columns+` FROM succession_move ORDER BY begun_us, id`)
}

// open is the move of a file of settings that is not ended; none has no ID.
func open(ctx context.Context, q db.Querier, file string) (Move, error) {
	m, err := db.One(ctx, q, scanMove, `SELECT `+columns+` FROM succession_move WHERE file = $1 AND state NOT IN ('done', 'undone')`, file)
	if errors.Is(err, db.ErrNoRow) {
		return Move{}, nil
	}
	return m, err
}

// begin notes a new move, or what of its settings changed.
func begin(ctx context.Context, q db.Querier, m Move) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_move (id, recipe, file, sum, state, begun_us, changed_us) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET sum = EXCLUDED.sum, changed_us = EXCLUDED.changed_us`,
		m.ID, m.Recipe, m.File, m.sum, string(m.State), int64(m.Begun), int64(m.Changed))
	return err
}

func become(ctx context.Context, q db.Querier, id string, s State, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE succession_move SET state = $2, changed_us = $3 WHERE id = $1`, id, string(s), int64(now))
	return err
}

// claim takes claims for a move. Returns CodeConflict "succession.move.taken" where another has one.
func claim(ctx context.Context, q db.Querier, id string, claims []string) error {
	for _, c := range claims {
		if _, err := db.Exec(ctx, q, `INSERT INTO succession_move_claim (claim, move_id) VALUES ($1, $2) ON CONFLICT (claim) DO NOTHING`, c, id); err != nil {
			return err
		}
		holder, err := db.One(ctx, q, db.Text, `SELECT move_id FROM succession_move_claim WHERE claim = $1`, c)
		if err != nil {
			return err
		}
		if holder != id {
			return core.Conflict("succession.move.taken", errors.New("moved by another")).With("ID", holder)
		}
	}
	return nil
}

// claimed says how many claims a move has.
func claimed(ctx context.Context, q db.Querier, id string) (map[string]bool, error) {
	list, err := db.All(ctx, q, db.Text, `SELECT claim FROM succession_move_claim WHERE move_id = $1`, id)
	of := make(map[string]bool, len(list))
	for _, c := range list {
		of[c] = true
	}
	return of, err
}

func release(ctx context.Context, q db.Querier, id string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM succession_move_claim WHERE move_id = $1`, id)
	return err
}

func scanProgress(r db.Row) (p Progress, err error) {
	return p, r.Scan(&p.Step, &p.Unit, &p.State, &p.Tries, &p.At, &p.Done, &p.Total, &p.Error)
}

func progress(ctx context.Context, q db.Querier, id string) ([]Progress, error) {
	return db.All(ctx, q, scanProgress, `SELECT step, unit, state, tries, at_us, done_n, total_n, error FROM succession_move_step WHERE move_id = $1 ORDER BY at_us, step, unit`, id)
}

// enter notes that a step begins.
func enter(ctx context.Context, q db.Querier, id string, p Progress) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_move_step (move_id, step, unit, state, tries, at_us, done_n, total_n, error) VALUES ($1, $2, $3, 'begun', 1, $4, 0, 0, '')
		ON CONFLICT (move_id, step, unit) DO UPDATE SET state = 'begun', tries = succession_move_step.tries + 1, at_us = EXCLUDED.at_us, done_n = 0, total_n = 0, error = ''`,
		id, p.Step, p.Unit, int64(p.At))
	return err
}

// leave notes how a step ended, or how far it is.
func leave(ctx context.Context, q db.Querier, id string, p Progress) error {
	_, err := db.Exec(ctx, q, `UPDATE succession_move_step SET state = $4, at_us = $5, done_n = $6, total_n = $7, error = $8 WHERE move_id = $1 AND step = $2 AND unit = $3`,
		id, p.Step, p.Unit, p.State, int64(p.At), p.Done, p.Total, p.Error)
	return err
}

// keepCounts replaces what was counted of a unit.
func keepCounts(ctx context.Context, d *db.DB, id string, c Counted) error {
	return d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := db.Exec(ctx, q, `DELETE FROM succession_move_count WHERE move_id = $1 AND unit = $2`, id, c.Unit); err != nil {
			return err
		}
		for i, n := range c.Counts {
			if _, err := db.Exec(ctx, q, `INSERT INTO succession_move_count (move_id, unit, number, what, part, from_n, to_n, from_sum, to_sum) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
				id, c.Unit, i, n.What, n.Of, n.From, n.To, n.FromSum, n.ToSum); err != nil {
				return err
			}
		}
		return nil
	})
}

// counted is what was counted last; nothing when something was to be counted since and was not.
func counted(ctx context.Context, q db.Querier, id string) (out []Counted, err error) {
	type row struct {
		unit string
		recipe.Count
	}
	rows, err := db.All(ctx, q, func(r db.Row) (c row, err error) {
		return c, r.Scan(&c.unit, &c.What, &c.Of, &c.From, &c.To, &c.FromSum, &c.ToSum)
	}, `SELECT unit, what, part, from_n, to_n, from_sum, to_sum FROM succession_move_count WHERE move_id = $1 ORDER BY unit, number`, id)
	for _, r := range rows {
		if len(out) == 0 || out[len(out)-1].Unit != r.unit {
			out = append(out, Counted{Unit: r.unit})
		}
		last := &out[len(out)-1]
		last.Counts = append(last.Counts, r.Count)
	}
	return out, err
}

// forgetCounts removes what was counted before.
func forgetCounts(ctx context.Context, q db.Querier, id string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM succession_move_count WHERE move_id = $1`, id)
	return err
}
