package fill

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/succession/pack"
)

// proof is when an item of ours was proved last.
type proof struct {
	item   pack.Name
	sha256 string
	proved core.Moment
	tookS  int64
	how    string
	note   string
}

func scanProof(r db.Row) (p proof, err error) {
	err = r.Scan(&p.item, &p.sha256, &p.proved, &p.tookS, &p.how, &p.note)
	return p, err
}

func proofsOf(ctx context.Context, q db.Querier, service string) (map[pack.Name]proof, error) {
	all, err := db.All(ctx, q, scanProof, `SELECT item, sha256, proved_us, took_s, how, note FROM succession_pack_proof WHERE service = $1`, service)
	out := map[pack.Name]proof{}
	for _, p := range all {
		out[p.item] = p
	}
	return out, err
}

func putProof(ctx context.Context, q db.Querier, service string, p proof) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_pack_proof (service, item, sha256, proved_us, took_s, how, note) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (service, item) DO UPDATE SET sha256 = excluded.sha256, proved_us = excluded.proved_us, took_s = excluded.took_s, how = excluded.how, note = excluded.note`,
		service, string(p.item), p.sha256, int64(p.proved), p.tookS, p.how, p.note)
	return err
}
