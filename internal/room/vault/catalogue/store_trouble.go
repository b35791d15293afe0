package catalogue

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/shard"
)

// Trouble is something a member did that it should not have, or did not do.
type Trouble struct {
	Member core.MemberID `json:"member"`
	Kind   string        `json:"kind"` // wrong, lost, refused, unreachable, full, slow...
	Object string        `json:"object,omitempty"`
	Index  int           `json:"index"`
	Detail string        `json:"detail"`
	Count  int64         `json:"count"`
	First  core.Moment   `json:"first_us"`
	Last   core.Moment   `json:"last_us"`
	Over   core.Moment   `json:"over_us,omitzero"`
	Size   int64         `json:"-"` // of the shard on its way, with its head; not written down
}

func scanTrouble(r db.Row) (t Trouble, err error) {
	err = r.Scan(&t.Member, &t.Kind, &t.Object, &t.Index, &t.Detail, &t.Count, &t.First, &t.Last, &t.Over)
	return t, err
}

// The kinds of trouble.
const (
	TroubleWrong       = "wrong"       // gave other bytes than it signed for
	TroubleLost        = "lost"        // says it has no such shard
	TroubleRefused     = "refused"     // says no
	TroubleProxy       = "proxy"       // something in front of it answers in its place
	TroubleProxyLimit  = "proxy_limit" // the same, because of the size of what we send
	TroubleFull        = "full"        // has no room left
	TroubleUnreachable = "unreachable" // does not answer, or too late
	TroubleBusy        = "busy"        // asks us to slow down; not written down
	TroubleSlow        = "slow"        // takes what it is sent much more slowly than others
)

// Add counts one more of the same.
func (s Troubles) Add(ctx context.Context, t Trouble) error {
	_, err := db.Exec(ctx, s.db, `INSERT INTO vault_trouble (member, kind, object, idx, detail, count, first_us, last_us, over_us)
		VALUES ($1, $2, $3, $4, $5, 1, $6, $6, 0)
		ON CONFLICT (member, kind, object, idx) DO UPDATE SET detail = excluded.detail, count = vault_trouble.count + 1,
			first_us = CASE WHEN vault_trouble.over_us > 0 THEN excluded.first_us ELSE vault_trouble.first_us END,
			last_us = excluded.last_us, over_us = 0`,
		string(t.Member), t.Kind, t.Object, t.Index, t.Detail, int64(t.Last))
	return err
}

// End says that a member is well again in one way.
func (s Troubles) End(ctx context.Context, member core.MemberID, kind string, now core.Moment) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_trouble SET over_us = $3 WHERE member = $1 AND kind = $2 AND over_us = 0`,
		string(member), kind, int64(now))
	return err
}

// EndOf ends the troubles about one object: all its shards are stored again, or it is
// wanted no more.
func (s Troubles) EndOf(ctx context.Context, q db.Querier, id shard.Hash, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE vault_trouble SET over_us = $2 WHERE object = $1 AND over_us = 0`, id.String(), int64(now))
	return err
}

// Since lists what is not over, and what ended since a moment.
func (s Troubles) Since(ctx context.Context, since core.Moment) ([]Trouble, error) {
	return db.All(ctx, s.db, scanTrouble, `SELECT member, kind, object, idx, detail, count, first_us, last_us, over_us
		FROM vault_trouble WHERE over_us = 0 OR over_us >= $1 ORDER BY last_us DESC, member, kind, object, idx`, int64(since))
}

// Failures is how often shards of an object failed since they were last all well.
func (s Troubles) Failures(ctx context.Context, id shard.Hash) (int64, error) {
	return db.One(ctx, s.db, db.Int64, `SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM vault_trouble
		WHERE object = $1 AND over_us = 0`, id.String())
}

// EndRemoved ends the troubles about objects that are in no backup any more.
func (s Troubles) EndRemoved(ctx context.Context, now core.Moment) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_trouble SET over_us = $1 WHERE over_us = 0 AND object <> ''
		AND NOT EXISTS (SELECT 1 FROM vault_object o WHERE o.object = vault_trouble.object AND o.deleted_us = 0)`, int64(now))
	return err
}

// Unproved lists objects that are placed again, with a trouble that is not over: those
// after a random hex name first, so that members that stay away hold up no others.
func (s Troubles) Unproved(ctx context.Context, after string, limit int) ([]shard.Hash, error) {
	return db.All(ctx, s.db, func(r db.Row) (shard.Hash, error) {
		var id string
		if err := r.Scan(&id); err != nil {
			return shard.Hash{}, err
		}
		return shard.ParseHash(id)
	}, `SELECT object FROM vault_object WHERE state = 'placed' AND deleted_us = 0
		AND object IN (SELECT object FROM vault_trouble WHERE over_us = 0)
		ORDER BY CASE WHEN object > $1 THEN 0 ELSE 1 END, object LIMIT $2`, after, limit)
}
