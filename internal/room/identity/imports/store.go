package imports

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

// store is the house over the database: who is here, and who came from a source.
type store struct {
	q      db.Querier
	source string
}

func textOrNone(s string, err error) (string, error) {
	if errors.Is(err, db.ErrNoRow) {
		return "", nil
	}
	return s, err
}

func (s store) imported(ctx context.Context, uid string) (person.ID, error) {
	id, err := textOrNone(db.One(ctx, s.q, db.Text, `SELECT person FROM identity_import WHERE source = $1 AND uid = $2`, s.source, uid))
	return person.ID(id), err
}

func (s store) taken(ctx context.Context, handle string) (bool, error) {
	n, err := db.One(ctx, s.q, db.Int64, `SELECT count(*) FROM identity_handle WHERE handle = $1`, handle)
	return n > 0, err
}

func (s store) mailOf(ctx context.Context, address string) (person.ID, error) {
	id, err := textOrNone(db.One(ctx, s.q, db.Text, `SELECT id FROM identity_person WHERE mail = $1`, address))
	return person.ID(id), err
}

// put writes that a person came from a source under a uid.
func (s store) put(ctx context.Context, uid string, who person.ID, now core.Moment) error {
	_, err := db.Exec(ctx, s.q, `INSERT INTO identity_import (source, uid, person, made_us) VALUES ($1, $2, $3, $4)`, s.source, uid, string(who), int64(now))
	return err
}
