package vault

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

const placementColumns = `object, idx, member, site, admin, length, root, state, receipt, held_us, seen_us`

// ofPlacement is placementColumns of the table called p in a join.
const ofPlacement = `p.object, p.idx, p.member, p.site, p.admin, p.length, p.root, p.state, p.receipt, p.held_us, p.seen_us`

// scanPlacement reads a row. What no check sum keeps is read whatever a flipped bit made of
// it: an object must not be out of reach because of when a shard was last seen.
func scanPlacement(r db.Row) (Placement, error) {
	var p Placement
	var object, root string
	var site, admin, state, held, seen any
	err := r.Scan(&object, &p.Index, &p.Member, &site, &admin, &p.Length, &root, &state, &p.Receipt, &held, &seen)
	if err != nil {
		return p, err
	}
	p.Site, p.Admin, p.State = asText(site), asText(admin), PlacementState(asText(state))
	p.Held, p.Seen = asMoment(held), asMoment(seen)
	if p.Object, err = shard.ParseHash(object); err != nil {
		return p, err
	}
	p.Root, err = shard.ParseHash(root)
	return p, err
}

// asText is a text as a database gives it; empty for anything else.
func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

// asMoment is a time as a database gives it; zero for anything else.
func asMoment(v any) core.Moment {
	us, _ := v.(int64)
	return core.Moment(us)
}

// place writes what a receipt (or after a recovery, a list) says; a shard that
// had been lost there is held again.
func (s store) place(ctx context.Context, q db.Querier, p Placement) error {
	_, err := db.Exec(ctx, q, `INSERT INTO vault_placement (`+placementColumns+`, bury_us, grave_us, row_sum)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, $12)
		ON CONFLICT (object, idx, member) DO UPDATE SET site = excluded.site, admin = excluded.admin, length = excluded.length,
			root = excluded.root, state = excluded.state, receipt = excluded.receipt, held_us = excluded.held_us, seen_us = excluded.seen_us, row_sum = excluded.row_sum`,
		p.Object.String(), p.Index, string(p.Member), p.Site, p.Admin, p.Length, p.Root.String(), string(p.State),
		append([]byte{}, p.Receipt...), int64(p.Held), int64(p.Seen), sumOfPlacement(p))
	return err
}

// placements lists where the shards of an object are or were.
func (s store) placements(ctx context.Context, id shard.Hash) ([]Placement, error) {
	return db.All(ctx, s.db, scanPlacement,
		`SELECT `+placementColumns+` FROM vault_placement WHERE object = $1 ORDER BY idx, member`, id.String())
}

// standing reads an object and all its placements in one transaction.
func (s store) standing(ctx context.Context, q db.Querier, id shard.Hash) (Object, []Placement, error) {
	o, err := db.One(ctx, q, scanObject, `SELECT `+objectColumns+` FROM vault_object WHERE object = $1`, id.String())
	if err != nil {
		return o, nil, err
	}
	all, err := db.All(ctx, q, scanPlacement,
		`SELECT `+placementColumns+` FROM vault_placement WHERE object = $1 ORDER BY idx, member`, id.String())
	return o, all, err
}

// placementsAt lists what a member holds of a repository (empty = of all), live
// objects only, in the order of their names, after one of them.
func (s store) placementsAt(ctx context.Context, member core.MemberID, repo string) ([]Placement, error) {
	return db.All(ctx, s.db, scanPlacement, `SELECT `+ofPlacement+` FROM vault_placement p JOIN vault_object o ON o.object = p.object
		WHERE p.member = $1 AND p.state = 'held' AND o.buried_us = 0 AND ($2 = '' OR o.repo = $2)
		ORDER BY p.object, p.idx`, string(member), repo)
}

// markPlacement changes what we believe of one shard.
func (s store) markPlacement(ctx context.Context, q db.Querier, p Placement, state PlacementState, seen core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE vault_placement SET state = $4,
		seen_us = CASE WHEN $4 = 'held' THEN $5 ELSE seen_us END WHERE object = $1 AND idx = $2 AND member = $3`,
		p.Object.String(), p.Index, string(p.Member), string(state), int64(seen))
	return err
}

// giveUp counts every shard at a member as lost, so that they are made again
// elsewhere, and says how many.
func (s store) giveUp(ctx context.Context, member core.MemberID) (int64, error) {
	return db.Exec(ctx, s.db, `UPDATE vault_placement SET state = 'lost' WHERE member = $1 AND state = 'held'`, string(member))
}

// losePlacements counts what a member has of one object as lost.
func (s store) losePlacements(ctx context.Context, id shard.Hash, member core.MemberID) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_placement SET state = 'lost' WHERE object = $1 AND member = $2`, id.String(), string(member))
	return err
}

// holders lists the members that hold anything of ours.
func (s store) holders(ctx context.Context) ([]core.MemberID, error) {
	return db.All(ctx, s.db, func(r db.Row) (id core.MemberID, err error) {
		err = r.Scan(&id)
		return id, err
	}, `SELECT DISTINCT member FROM vault_placement WHERE state = 'held' ORDER BY member`)
}

// weaken brings the state of objects that lost shards back in line: fewer held
// than their code wants, or fewer at members that stay, so they have work again.
func (s store) weaken(ctx context.Context, now core.Moment) error {
	if _, err := db.Exec(ctx, s.db, `UPDATE vault_object SET state = 'safe', next_us = 0
		WHERE state = 'placed' AND buried_us = 0 AND `+staysOf+` < n`, int64(now)); err != nil {
		return err
	}
	_, err := db.Exec(ctx, s.db, `UPDATE vault_object SET state = 'waiting', next_us = 0
		WHERE state <> 'waiting' AND buried_us = 0 AND `+heldOf+` < CASE WHEN k < n THEN k + 1 ELSE n END`)
	return err
}

// whichShard is what tells shards p of an object apart: the index, of copies the member.
const whichShard = `CASE WHEN p.root = p.object THEN p.member ELSE CAST(p.idx AS TEXT) END`

// heldOf counts the distinct shards of vault_object's row that are held.
const heldOf = `(SELECT count(DISTINCT ` + whichShard + `) FROM vault_placement p WHERE p.object = vault_object.object AND p.state = 'held')`

// placementsOfWaiting lists the shards that are held of what is not off-site.
func (s store) placementsOfWaiting(ctx context.Context) ([]Placement, error) {
	return db.All(ctx, s.db, scanPlacement, `SELECT `+ofPlacement+`
		FROM vault_placement p JOIN vault_object o ON o.object = p.object
		WHERE p.state = 'held' AND o.state = 'waiting' AND o.buried_us = 0`)
}

// used is what ours counts at each member, as cost says of one shard.
func (s store) used(ctx context.Context) (map[core.MemberID]int64, error) {
	type row struct {
		member core.MemberID
		bytes  int64
	}
	rows, err := db.All(ctx, s.db, func(r db.Row) (u row, err error) {
		err = r.Scan(&u.member, &u.bytes)
		return u, err
	}, `SELECT member, CAST(sum(((length + $1 + $2 - 1) / $2 + 1) * $2) AS BIGINT) FROM vault_placement
		WHERE state = 'held' GROUP BY member`, shard.HeadRoom, shard.Block)
	out := make(map[core.MemberID]int64, len(rows))
	for _, u := range rows {
		out[u.member] = u.bytes
	}
	return out, err
}

// lenderState is what we remember of a member between attempts.
type lenderState struct {
	Good core.Moment // last time it did what we asked
	Bad  core.Moment // failing since; zero = fine
	Next core.Moment // nothing new is sent before
	Full int64       // bytes of the smallest shard it had no room for; zero = it takes what we send
}

func (s store) lenderStates(ctx context.Context) (map[core.MemberID]lenderState, error) {
	type row struct {
		id core.MemberID
		lenderState
	}
	rows, err := db.All(ctx, s.db, func(r db.Row) (l row, err error) {
		err = r.Scan(&l.id, &l.Good, &l.Bad, &l.Next, &l.Full)
		return l, err
	}, `SELECT member, good_us, bad_us, next_us, full_bytes FROM vault_lender`)
	out := make(map[core.MemberID]lenderState, len(rows))
	for _, l := range rows {
		out[l.id] = l.lenderState
	}
	return out, err
}

func (s store) setLender(ctx context.Context, id core.MemberID, l lenderState) error {
	_, err := db.Exec(ctx, s.db, `INSERT INTO vault_lender (member, good_us, bad_us, next_us, full_bytes) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (member) DO UPDATE SET good_us = excluded.good_us, bad_us = excluded.bad_us, next_us = excluded.next_us,
			full_bytes = excluded.full_bytes`,
		string(id), int64(l.Good), int64(l.Bad), int64(l.Next), l.Full)
	return err
}

// adopt writes objects that the members showed us, with their shards. What the
// catalogue has already stays as it is.
func (s store) adopt(ctx context.Context, batch []*found) error {
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, f := range batch {
			if err := s.adoptOne(ctx, q, f); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s store) adoptOne(ctx context.Context, q db.Querier, f *found) error {
	known, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM vault_object WHERE object = $1`, f.o.ID.String())
	if err != nil {
		return err
	}
	if f.known = known > 0; !f.known {
		last, err := db.One(ctx, q, db.Int64, `SELECT coalesce(max(seq), 0) FROM vault_object WHERE repo = $1`, f.o.Repo)
		if err != nil {
			return err
		}
		// A recovery that is run again may find what was saved anew since the first.
		newer, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM vault_object
			WHERE repo = $1 AND kind = $2 AND name = $3 AND buried_us = 0`, f.o.Repo, string(f.o.File.Type), f.o.File.Name)
		if err != nil {
			return err
		}
		if newer > 0 && f.o.Buried == 0 {
			f.o.Buried = f.o.Made
		}
		if err := s.insertObject(ctx, q, f.o, last+1); err != nil {
			return err
		}
	}
	for _, p := range f.places {
		if err := s.place(ctx, q, p); err != nil {
			return err
		}
	}
	return s.adoptGraves(ctx, q, f)
}

// anyPlacement answers the shard at a member that comes first after a random hex
// object name, and whether there is one.
func (s store) anyPlacement(ctx context.Context, member core.MemberID, after string) (Placement, bool, error) {
	for _, from := range []string{after, ""} {
		p, err := db.One(ctx, s.db, scanPlacement, `SELECT `+ofPlacement+`
			FROM vault_placement p JOIN vault_object o ON o.object = p.object
			WHERE p.member = $1 AND p.state = 'held' AND o.buried_us = 0 AND p.object > $2 ORDER BY p.object LIMIT 1`,
			string(member), from)
		if err == nil || !errors.Is(err, db.ErrNoRow) {
			return p, err == nil, err
		}
	}
	return Placement{}, false, nil
}

// narrowOnTheWay says whether objects that are not placed yet are whole copies,
// fewer than n.
func (s store) narrowOnTheWay(ctx context.Context, n int) (bool, error) {
	found, err := db.One(ctx, s.db, func(r db.Row) (c int64, err error) { return c, r.Scan(&c) },
		`SELECT count(*) FROM vault_object WHERE k = 1 AND n < $1 AND state <> 'placed' AND buried_us = 0`, n)
	return found > 0, err
}

// copiesBelow lists placed objects of a type that are whole copies, fewer than n.
func (s store) copiesBelow(ctx context.Context, t rest.Type, n, limit int) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE kind = $1 AND k = 1 AND n < $2 AND state = 'placed' AND buried_us = 0 ORDER BY n, seq LIMIT $3`, string(t), n, limit)
}

// unfit lists objects of which no held shard is as long as their code says, or whose code
// has another number of shards than those of its kind.
func (s store) unfit(ctx context.Context) ([]Object, error) {
	const held = `SELECT 1 FROM vault_placement p WHERE p.object = vault_object.object AND p.state = 'held'`
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object WHERE EXISTS (`+held+`)
		AND (NOT (k = 1 AND n BETWEEN 1 AND $1 OR k = 2 AND n = 4 OR k = 3 AND n = 5 OR k = 4 AND n = 6 OR k = 6 AND n = 9)
			OR NOT EXISTS (`+held+` AND p.length = (vault_object.sealed + vault_object.k - 1) / CASE WHEN vault_object.k > 1 THEN vault_object.k ELSE 1 END))
		ORDER BY seq`, mostDomains)
}
