package evidence

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/ask"
)

// opened lists asks of ours whose box was opened, the newest first. One that the disk damaged is
// left out.
func opened(ctx context.Context, q db.Querier) ([]ask.Signed, error) {
	texts, err := db.All(ctx, q, func(r db.Row) (b []byte, err error) { return b, r.Scan(&b) },
		`SELECT document FROM custody_ask_own WHERE opened_us > 0 ORDER BY made_us DESC, id LIMIT 1000`)
	all := make([]ask.Signed, 0, len(texts))
	for _, text := range texts {
		if env, err := seal.DecodeEnvelope(text); err == nil {
			if s, err := ask.Read(env); err == nil {
				all = append(all, s)
			}
		}
	}
	return all, err
}

// released lists the members whose logbooks say that they let a share go for an ask.
func released(ctx context.Context, q db.Querier, id string) ([]core.MemberID, error) {
	return db.All(ctx, q, func(r db.Row) (m core.MemberID, err error) { return m, r.Scan(&m) },
		`SELECT DISTINCT log FROM custody_ask_entry WHERE ask = $1 AND kind = 'release' ORDER BY log LIMIT 1000`, id)
}
