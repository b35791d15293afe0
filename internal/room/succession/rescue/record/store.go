package record

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

const columns = `owner, service, state, since_us, until_us, snapshot, as_of_us, bytes, files, people, hidden, fetch_bytes, fetch_ms, restore_ms, pack, ended_us, why`

func scan(r db.Row) (o Rescue, err error) {
	return o, r.Scan(&o.Owner, &o.Service, &o.State, &o.Since, &o.Until, &o.Snapshot, &o.AsOf, &o.Bytes, &o.Files, &o.People, &o.Hidden,
		&o.FetchBytes, &o.FetchMS, &o.RestoreMS, &o.Pack, &o.EndedAt, &o.Why)
}

func get(ctx context.Context, q db.Querier, owner core.MemberID, service string) (Rescue, error) {
	return db.One(ctx, q, scan, `SELECT `+columns+` FROM succession_rescue WHERE owner = $1 AND service = $2`, string(owner), service)
}

func list(ctx context.Context, q db.Querier, owner core.MemberID) ([]Rescue, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM succession_rescue WHERE owner = $1 OR $1 = '' ORDER BY owner, service`, string(owner))
}

func put(ctx context.Context, q db.Querier, o Rescue) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_rescue (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
		ON CONFLICT (owner, service) DO UPDATE SET state = excluded.state, since_us = excluded.since_us, until_us = excluded.until_us, snapshot = excluded.snapshot,
		as_of_us = excluded.as_of_us, bytes = excluded.bytes, files = excluded.files, people = excluded.people, hidden = excluded.hidden, fetch_bytes = excluded.fetch_bytes,
		fetch_ms = excluded.fetch_ms, restore_ms = excluded.restore_ms, pack = excluded.pack, ended_us = excluded.ended_us, why = excluded.why`,
		string(o.Owner), o.Service, string(o.State), int64(o.Since), int64(o.Until), o.Snapshot, int64(o.AsOf), o.Bytes, o.Files, o.People, o.Hidden,
		o.FetchBytes, o.FetchMS, o.RestoreMS, o.Pack, int64(o.EndedAt), o.Why)
	return err
}

func count(ctx context.Context, q db.Querier, owner core.MemberID, what string, n int64) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_rescue_count (owner, what, n) VALUES ($1, $2, $3)
		ON CONFLICT (owner, what) DO UPDATE SET n = succession_rescue_count.n + excluded.n`, string(owner), what, n)
	return err
}

func scanCounted(r db.Row) (c Counted, err error) { return c, r.Scan(&c.What, &c.N) }

func counts(ctx context.Context, q db.Querier, owner core.MemberID) ([]Counted, error) {
	return db.All(ctx, q, scanCounted, `SELECT what, n FROM succession_rescue_count WHERE owner = $1 ORDER BY what`, string(owner))
}

func visited(ctx context.Context, q db.Querier, owner core.MemberID, who string) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_rescue_visitor (owner, who) VALUES ($1, $2) ON CONFLICT (owner, who) DO NOTHING`, string(owner), who)
	return err
}

func visitors(ctx context.Context, q db.Querier, owner core.MemberID) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM succession_rescue_visitor WHERE owner = $1`, string(owner))
}

func putErased(ctx context.Context, q db.Querier, owner core.MemberID, who string, at core.Moment) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_rescue_erased (owner, who, at_us) VALUES ($1, $2, $3) ON CONFLICT (owner, who) DO NOTHING`, string(owner), who, int64(at))
	return err
}

func erased(ctx context.Context, q db.Querier, owner core.MemberID) ([]string, error) {
	return db.All(ctx, q, db.Text, `SELECT who FROM succession_rescue_erased WHERE owner = $1`, string(owner))
}
