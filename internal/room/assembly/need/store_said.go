package need

import (
	"context"
	"errors"

	"entrechat/internal/kit/db"
)

// saidRow is what we last told the other members.
type saidRow struct{ month, drawn, salt string }

func lastSaid(ctx context.Context, q db.Querier) (saidRow, error) {
	s, err := db.One(ctx, q, func(r db.Row) (s saidRow, err error) { return s, r.Scan(&s.month, &s.drawn, &s.salt) },
		`SELECT month, drawn, salt FROM assembly_need_said WHERE id = 'own'`)
	if errors.Is(err, db.ErrNoRow) {
		return saidRow{}, nil
	}
	return s, err
}

func drawSalt(ctx context.Context, q db.Querier, month, salt string) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_need_said (id, month, drawn, salt) VALUES ('own', '', $1, $2)
		ON CONFLICT (id) DO UPDATE SET drawn = excluded.drawn, salt = excluded.salt`, month, salt)
	return err
}

func noteSaid(ctx context.Context, q db.Querier, month string) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_need_said SET month = $1 WHERE id = 'own'`, month)
	return err
}

// latest are the published needs that were answered, by their last change.
func latest(ctx context.Context, q db.Querier, limit int) ([]Need, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM assembly_need WHERE standing = 'published' AND merged_into = '' ORDER BY changed_us DESC, id LIMIT $1`, limit)
}
