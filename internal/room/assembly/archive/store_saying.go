package archive

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Saying is an entry of ours on its way into our logbook.
type Saying struct {
	ID       string // what it is: "ballot/COMMIT"
	Proposal string
	Typ      string
	Body     []byte
	From     int64 // our logbook's size before
	Until    core.Moment
	Entry    int64 // unwritten, tooLate, or its index
	Number   int64
}

// The places of what is in no logbook.
const (
	unwritten = -1
	TooLate   = -2 // it will not be
)

const sayingColumns = `id, number, proposal, typ, body, log_from, until_us, entry`

func scanSaying(r db.Row) (s Saying, err error) {
	return s, r.Scan(&s.ID, &s.Number, &s.Proposal, &s.Typ, &s.Body, &s.From, &s.Until, &s.Entry)
}

// putSaying keeps one; again it changes nothing.
func putSaying(ctx context.Context, q db.Querier, s Saying) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_decision_saying (`+sayingColumns+`)
		SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4, CAST($5 AS BIGINT), CAST($6 AS BIGINT), -1 FROM assembly_decision_saying WHERE true ON CONFLICT (id) DO NOTHING`,
		s.ID, s.Proposal, s.Typ, s.Body, s.From, int64(s.Until))
	return err
}

// GetSaying reads one; false = there is none.
func GetSaying(ctx context.Context, q db.Querier, id string) (s Saying, ok bool, err error) {
	s, err = db.One(ctx, q, scanSaying, `SELECT `+sayingColumns+` FROM assembly_decision_saying WHERE id = $1`, id)
	if errors.Is(err, db.ErrNoRow) {
		return s, false, nil
	}
	return s, err == nil, err
}

// Unsaid lists what is not in our logbook yet, in its order.
func Unsaid(ctx context.Context, q db.Querier) ([]Saying, error) {
	return db.All(ctx, q, scanSaying, `SELECT `+sayingColumns+` FROM assembly_decision_saying WHERE entry = -1 ORDER BY number LIMIT 1000`)
}

func setSaid(ctx context.Context, q db.Querier, id string, entry int64) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_decision_saying SET entry = $2 WHERE id = $1`, id, entry)
	return err
}
