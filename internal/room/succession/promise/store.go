package promise

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wire"
)

// maxNamings is how many entries of one owner are read; what is beyond is passed over, but for as many
// again that take all names back: who is to be a successor no more is none.
const maxNamings = 2000

// heard is one entry as it is kept.
type heard struct {
	Naming

	owner     core.MemberID
	index     int64
	said, got core.Moment
}

func scanHeard(r db.Row) (h heard, err error) {
	var body string
	if err := r.Scan(&h.owner, &h.index, &body, &h.said, &h.got); err != nil {
		return h, err
	}
	return h, wire.Peek([]byte(body), &h.Naming)
}

const columns = `owner, idx, body, said_us, heard_us`

// put keeps an entry once. More of an owner than maxNamings says, or than MaxServices, are passed over.
func put(ctx context.Context, q db.Querier, h heard) error {
	body, err := wire.Encode(h.Naming)
	if err != nil {
		return err
	}
	most := maxNamings
	if len(h.Successors) == 0 {
		most *= 2
	}
	_, err = db.Exec(ctx, q, `INSERT INTO succession_naming (owner, idx, service, body, said_us, heard_us)
		SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT), CAST($6 AS BIGINT)
		WHERE (SELECT count(*) FROM succession_naming WHERE owner = $1) < $7
		  AND ((SELECT count(DISTINCT service) FROM succession_naming WHERE owner = $1) < $8
		       OR EXISTS (SELECT 1 FROM succession_naming WHERE owner = $1 AND service = $3))
		ON CONFLICT (owner, idx) DO NOTHING`,
		string(h.owner), h.index, h.Service, string(body), int64(h.said), int64(h.got), most, MaxServices)
	return err
}

// drop forgets an owner's entries from an index on.
func drop(ctx context.Context, q db.Querier, owner core.MemberID, index int64) error {
	_, err := db.Exec(ctx, q, `DELETE FROM succession_naming WHERE owner = $1 AND idx >= $2`, string(owner), index)
	return err
}

// ofOwner lists an owner's entries in order; of all owners for "".
func ofOwner(ctx context.Context, q db.Querier, owner core.MemberID) ([]heard, error) {
	return db.All(ctx, q, scanHeard, `SELECT `+columns+` FROM succession_naming WHERE owner = $1 OR $1 = '' ORDER BY owner, idx`, string(owner))
}
