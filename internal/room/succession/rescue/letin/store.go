package letin

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// pass is what says who one is; of what people have only the hash is kept.
type pass struct {
	hash  string
	kind  string // link, session, program
	owner core.MemberID
	who   string
	until core.Moment
}

const columns = `hash, kind, owner, who, until_us`

func scan(r db.Row) (p pass, err error) {
	return p, r.Scan(&p.hash, &p.kind, &p.owner, &p.who, &p.until)
}

func put(ctx context.Context, q db.Querier, p pass) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_rescue_pass (`+columns+`) VALUES ($1, $2, $3, $4, $5)`, p.hash, p.kind, string(p.owner), p.who, int64(p.until))
	return err
}

func get(ctx context.Context, q db.Querier, hash, kind string, now core.Moment) (pass, error) {
	return db.One(ctx, q, scan, `SELECT `+columns+` FROM succession_rescue_pass WHERE hash = $1 AND kind = $2 AND until_us > $3`, hash, kind, int64(now))
}

// take uses a link up: of two who try at once one has it.
func take(ctx context.Context, q db.Querier, hash string, now core.Moment) (pass, error) {
	return db.One(ctx, q, scan, `DELETE FROM succession_rescue_pass WHERE hash = $1 AND kind = 'link' AND until_us > $2 RETURNING `+columns, hash, int64(now))
}

func drop(ctx context.Context, q db.Querier, hash string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM succession_rescue_pass WHERE hash = $1`, hash)
	return err
}

func dropKind(ctx context.Context, q db.Querier, owner core.MemberID, who, kind string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM succession_rescue_pass WHERE owner = $1 AND who = $2 AND kind = $3`, string(owner), who, kind)
	return err
}

func dropAll(ctx context.Context, q db.Querier, owner core.MemberID, who string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM succession_rescue_pass WHERE owner = $1 AND (who = $2 OR $2 = '')`, string(owner), who)
	return err
}

func forget(ctx context.Context, q db.Querier, now core.Moment) error {
	_, err := db.Exec(ctx, q, `DELETE FROM succession_rescue_pass WHERE until_us <= $1`, int64(now))
	return err
}

// programs are the passwords that hold; one person has one.
func programs(ctx context.Context, q db.Querier, owner core.MemberID, now core.Moment) ([]pass, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM succession_rescue_pass WHERE owner = $1 AND kind = 'program' AND until_us > $2`, string(owner), int64(now))
}
