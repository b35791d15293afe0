package catalogue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/shard"
)

// Known is what the catalogue says of one shard at one member.
type Known struct {
	Placement
	Deleted       core.Moment // when the member deleted it; zero = it has not
	Repo          string
	ObjectDeleted core.Moment // the object; zero = alive
}

const placementColumns = `object, idx, member, site, admin, length, root, state, receipt, since_us, seen_us`

// ofPlacement is placementColumns of the table called p in a join.
const ofPlacement = `p.object, p.idx, p.member, p.site, p.admin, p.length, p.root, p.state, p.receipt, p.since_us, p.seen_us`

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
	p.Since, p.Seen = asMoment(held), asMoment(seen)
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

// whichShard is what tells shards p of an object apart: the index, of copies the member.
const whichShard = `CASE WHEN p.root = p.object THEN p.member ELSE CAST(p.idx AS TEXT) END`

// Adoption is an object that members showed us.
type Adoption struct {
	Object  Object
	Known   bool // set by adopt: it was in the catalogue before
	Places  []Placement
	Deleted []Deletion
}

// Deletion says when a member took a tombstone for a shard.
type Deletion struct {
	Placement
	At core.Moment
}

// Leave takes what a member has out of what counts, and says how many shards that are:
// its pact is over.
func (s Placements) Leave(ctx context.Context, id core.MemberID) (int64, error) {
	return db.Exec(ctx, s.db, `UPDATE vault_placement SET state = 'left' WHERE member = $1 AND state IN ('stored', 'lost')`, string(id))
}

// Unleave has what a member had when its pact ended count as lost: it lends again, and may
// prove that it has it.
func (s Placements) Unleave(ctx context.Context, id core.MemberID) (int64, error) {
	return db.Exec(ctx, s.db, `UPDATE vault_placement SET state = 'lost' WHERE member = $1 AND state = 'left'`, string(id))
}

// MayCount says whether anything that a member has counts, or may again.
func (s Placements) MayCount(ctx context.Context, id core.MemberID) (bool, error) {
	n, err := db.One(ctx, s.db, db.Int64, `SELECT count(*) FROM (SELECT 1 FROM vault_placement
		WHERE member = $1 AND state IN ('stored', 'lost') LIMIT 1) AS there`, string(id))
	return n > 0, err
}

// Holds says whether a member has or had a shard of a file that is there.
func (s Placements) Holds(ctx context.Context, id core.MemberID) (bool, error) {
	n, err := db.One(ctx, s.db, db.Int64, `SELECT count(*) FROM (SELECT 1 FROM vault_placement p JOIN vault_object o ON o.object = p.object
		WHERE p.member = $1 AND p.state IN ('stored', 'left') AND o.deleted_us = 0 LIMIT 1) AS there`, string(id))
	return n > 0, err
}

// Unmoved counts the files of which a member has or had a shard and that are not whole at
// other members that stay. Once what it has is being moved, placed ones need no look.
func (s Placements) Unmoved(ctx context.Context, id core.MemberID, moving bool) (int64, error) {
	which := ""
	if moving {
		which = `o.state <> 'placed' AND `
	}
	return db.One(ctx, s.db, db.Int64, `SELECT count(*) FROM vault_object o WHERE `+which+`o.deleted_us = 0
		AND EXISTS (SELECT 1 FROM vault_placement p WHERE p.object = o.object AND p.member = $1 AND p.state IN ('stored', 'left'))
		AND (SELECT count(DISTINCT `+whichShard+`) FROM vault_placement p LEFT JOIN vault_lender l ON l.member = p.member
			WHERE p.object = o.object AND p.state = 'stored' AND p.member <> $1 AND coalesce(l.leaves_us, 0) = 0) < o.n`, string(id))
}

// EverHolders lists the members that have or had anything of ours.
func (s Placements) EverHolders(ctx context.Context) ([]core.MemberID, error) {
	return db.All(ctx, s.db, func(r db.Row) (id core.MemberID, err error) {
		err = r.Scan(&id)
		return id, err
	}, `SELECT DISTINCT member FROM vault_placement ORDER BY member`)
}

// PossibleHolders is EverHolders without the members whose pact is over.
func (s Placements) PossibleHolders(ctx context.Context) ([]core.MemberID, error) {
	return db.All(ctx, s.db, func(r db.Row) (id core.MemberID, err error) {
		err = r.Scan(&id)
		return id, err
	}, `SELECT DISTINCT member FROM vault_placement WHERE state <> 'left' ORDER BY member`)
}

// Expected are what each member should answer when it is asked for its own: what it
// stores of ours and did not delete, by the catalogue.
func (s Placements) Expected(ctx context.Context) (map[core.MemberID]holder.Summary, error) {
	type row struct {
		member core.MemberID
		ref    holder.Ref
	}
	out := map[core.MemberID]holder.Summary{}
	for _, bucket := range holder.Buckets() {
		rows, err := db.All(ctx, s.db, func(r db.Row) (p row, err error) {
			var object string
			if err := r.Scan(&p.member, &object, &p.ref.Index); err != nil {
				return p, err
			}
			p.ref.Object, err = shard.ParseHash(object)
			return p, err
		}, `SELECT p.member, p.object, p.idx FROM vault_placement p JOIN vault_object o ON o.object = p.object
			WHERE p.object >= $1 AND p.object < $2 AND p.state = 'stored' AND p.deleted_us = 0`, bucket, bucket+"g")
		if err != nil {
			return nil, err
		}
		for _, p := range rows {
			if out[p.member] == nil {
				out[p.member] = holder.Summary{}
			}
			out[p.member].Add(p.ref)
		}
	}
	return out, nil
}

// Known lists what the catalogue says of a member's shards in a bucket (empty = of
// all), by name.
func (s Placements) Known(ctx context.Context, member core.MemberID, bucket string) (map[string]Known, error) {
	rows, err := db.All(ctx, s.db, func(r db.Row) (k Known, err error) {
		var object, root string
		if err = r.Scan(&object, &k.Index, &k.Member, &k.Length, &root, &k.State, &k.Deleted, &k.Repo, &k.ObjectDeleted); err != nil {
			return k, err
		}
		if k.Object, err = shard.ParseHash(object); err != nil {
			return k, err
		}
		k.Root, err = shard.ParseHash(root)
		return k, err
	}, `SELECT p.object, p.idx, p.member, p.length, p.root, p.state, p.deleted_us, o.repo, o.deleted_us
		FROM vault_placement p JOIN vault_object o ON o.object = p.object
		WHERE p.member = $1 AND p.object >= $2 AND p.object < $3`, string(member), bucket, bucket+"g")
	out := make(map[string]Known, len(rows))
	for _, k := range rows {
		out[holder.Ref{Object: k.Object, Index: k.Index}.Name()] = k
	}
	return out, err
}

// SetDeleted writes when a member deleted a shard; zero = it is alive there.
func (s Placements) SetDeleted(ctx context.Context, q db.Querier, p Placement, at core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE vault_placement SET deleted_us = $4, tombstone_next_us = 0 WHERE object = $1 AND idx = $2 AND member = $3`,
		p.Object.String(), p.Index, string(p.Member), int64(at))
	return err
}

// PutUnknown writes a shard that a member showed, unless its receipt came meanwhile.
func (s Placements) PutUnknown(ctx context.Context, q db.Querier, p Placement) error {
	known, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM vault_placement WHERE object = $1 AND idx = $2 AND member = $3`,
		p.Object.String(), p.Index, string(p.Member))
	if err != nil || known > 0 {
		return err
	}
	return s.Put(ctx, q, p)
}

// adoptDeletions writes what members say of when they deleted the shards of an object.
func (s Placements) adoptDeletions(ctx context.Context, q db.Querier, f *Adoption) error {
	for _, d := range f.Deleted {
		if err := s.SetDeleted(ctx, q, d.Placement, d.At); err != nil {
			return fmt.Errorf("note a deletion: %w", err)
		}
	}
	return nil
}

// Put writes what a receipt (or after a recovery, a list) says; a shard that
// had been lost there is stored again.
func (s Placements) Put(ctx context.Context, q db.Querier, p Placement) error {
	_, err := db.Exec(ctx, q, `INSERT INTO vault_placement (`+placementColumns+`, tombstone_next_us, deleted_us, row_sum)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, $12)
		ON CONFLICT (object, idx, member) DO UPDATE SET site = excluded.site, admin = excluded.admin, length = excluded.length,
			root = excluded.root, state = excluded.state, receipt = excluded.receipt, since_us = excluded.since_us, seen_us = excluded.seen_us, row_sum = excluded.row_sum`,
		p.Object.String(), p.Index, string(p.Member), p.Site, p.Admin, p.Length, p.Root.String(), string(p.State),
		append([]byte{}, p.Receipt...), int64(p.Since), int64(p.Seen), sumOfPlacement(p))
	return err
}

// Of lists where the shards of an object are or were.
func (s Placements) Of(ctx context.Context, id shard.Hash) ([]Placement, error) {
	return db.All(ctx, s.db, scanPlacement,
		`SELECT `+placementColumns+` FROM vault_placement WHERE object = $1 ORDER BY idx, member`, id.String())
}

// WithObject reads an object and all its placements in one transaction.
func (s Placements) WithObject(ctx context.Context, q db.Querier, id shard.Hash) (Object, []Placement, error) {
	o, err := db.One(ctx, q, scanObject, `SELECT `+objectColumns+` FROM vault_object WHERE object = $1`, id.String())
	if err != nil {
		return o, nil, err
	}
	all, err := db.All(ctx, q, scanPlacement,
		`SELECT `+placementColumns+` FROM vault_placement WHERE object = $1 ORDER BY idx, member`, id.String())
	return o, all, err
}

// Sample answers up to draws shards of a member that should be there, of one backup or of
// all (repo = ""), none twice; all of them where there are no more. Each is the first that
// was not drawn yet after a hex name of its own, which name draws at random: so a loss of
// what lies side by side is as likely to be hit as any other of its size.
func (s Placements) Sample(ctx context.Context, member core.MemberID, repo string, draws int, name func() string) ([]Placement, error) {
	var out []Placement
	for len(out) < draws {
		fresh, err := s.firstAfter(ctx, member, repo, name(), out)
		if err != nil || len(fresh) == 0 {
			return out, err
		}
		out = append(out, fresh[0])
	}
	return out, nil
}

// firstAfter answers the shards of Sample that come first after a name, or around the end,
// without those drawn: none when all are drawn.
func (s Placements) firstAfter(ctx context.Context, member core.MemberID, repo, after string, drawn []Placement) ([]Placement, error) {
	for _, from := range []string{after, ""} {
		some, err := db.All(ctx, s.db, scanPlacement, `SELECT `+ofPlacement+` FROM vault_placement p JOIN vault_object o ON o.object = p.object
			WHERE p.member = $1 AND p.state = 'stored' AND o.deleted_us = 0 AND ($2 = '' OR o.repo = $2) AND p.object > $3
			ORDER BY p.object, p.idx LIMIT $4`, string(member), repo, from, len(drawn)+1)
		some = slices.DeleteFunc(some, func(p Placement) bool {
			return slices.ContainsFunc(drawn, func(d Placement) bool { return d.Object == p.Object && d.Index == p.Index })
		})
		if err != nil || len(some) > 0 {
			return some, err
		}
	}
	return nil, nil
}

// SetState changes what we believe of one shard.
func (s Placements) SetState(ctx context.Context, q db.Querier, p Placement, state PlacementState, seen core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE vault_placement SET state = $4,
		seen_us = CASE WHEN $4 = 'stored' THEN $5 ELSE seen_us END WHERE object = $1 AND idx = $2 AND member = $3`,
		p.Object.String(), p.Index, string(p.Member), string(state), int64(seen))
	return err
}

// GiveUp counts every shard at a member as lost, so that they are made again
// elsewhere, and says how many.
func (s Placements) GiveUp(ctx context.Context, member core.MemberID) (int64, error) {
	return db.Exec(ctx, s.db, `UPDATE vault_placement SET state = 'lost' WHERE member = $1 AND state = 'stored'`, string(member))
}

// Lose counts what a member has of one object as lost.
func (s Placements) Lose(ctx context.Context, id shard.Hash, member core.MemberID) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_placement SET state = 'lost' WHERE object = $1 AND member = $2`, id.String(), string(member))
	return err
}

// Holders lists the members that hold anything of ours.
func (s Placements) Holders(ctx context.Context) ([]core.MemberID, error) {
	return db.All(ctx, s.db, func(r db.Row) (id core.MemberID, err error) {
		err = r.Scan(&id)
		return id, err
	}, `SELECT DISTINCT member FROM vault_placement WHERE state = 'stored' ORDER BY member`)
}

// OfWaiting lists the shards that are stored of what is not off-site.
func (s Placements) OfWaiting(ctx context.Context) ([]Placement, error) {
	return db.All(ctx, s.db, scanPlacement, `SELECT `+ofPlacement+`
		FROM vault_placement p JOIN vault_object o ON o.object = p.object
		WHERE p.state = 'stored' AND o.state = 'waiting' AND o.deleted_us = 0`)
}

// Used is what ours counts at each member, as cost says of one shard.
func (s Placements) Used(ctx context.Context) (map[core.MemberID]int64, error) {
	type row struct {
		member core.MemberID
		bytes  int64
	}
	rows, err := db.All(ctx, s.db, func(r db.Row) (u row, err error) {
		err = r.Scan(&u.member, &u.bytes)
		return u, err
	}, `SELECT member, CAST(sum(((length + $1 + $2 - 1) / $2 + 1) * $2) AS BIGINT) FROM vault_placement
		WHERE state = 'stored' GROUP BY member`, shard.HeadRoom, shard.Block)
	out := make(map[core.MemberID]int64, len(rows))
	for _, u := range rows {
		out[u.member] = u.bytes
	}
	return out, err
}

// Adopt writes objects that the members showed us, with their shards. What the
// catalogue has already stays as it is.
func (s Placements) Adopt(ctx context.Context, batch []*Adoption) error {
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, f := range batch {
			if err := s.adoptOne(ctx, q, f); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s Placements) adoptOne(ctx context.Context, q db.Querier, f *Adoption) error {
	known, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM vault_object WHERE object = $1`, f.Object.ID.String())
	if err != nil {
		return err
	}
	if f.Known = known > 0; !f.Known {
		last, err := db.One(ctx, q, db.Int64, `SELECT coalesce(max(seq), 0) FROM vault_object WHERE repo = $1`, f.Object.Repo)
		if err != nil {
			return err
		}
		// A recovery that is run again may find what was saved anew since the first.
		newer, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM vault_object
			WHERE repo = $1 AND kind = $2 AND name = $3 AND deleted_us = 0`, f.Object.Repo, string(f.Object.File.Type), f.Object.File.Name)
		if err != nil {
			return err
		}
		if newer > 0 && f.Object.Deleted == 0 {
			f.Object.Deleted = f.Object.Made
		}
		if err := Objects(s).insert(ctx, q, f.Object, last+1); err != nil {
			return err
		}
	}
	for _, p := range f.Places {
		if err := s.Put(ctx, q, p); err != nil {
			return err
		}
	}
	return s.adoptDeletions(ctx, q, f)
}

// Any answers the shard at a member that comes first after a random hex
// object name, and whether there is one.
func (s Placements) Any(ctx context.Context, member core.MemberID, after string) (Placement, bool, error) {
	for _, from := range []string{after, ""} {
		p, err := db.One(ctx, s.db, scanPlacement, `SELECT `+ofPlacement+`
			FROM vault_placement p JOIN vault_object o ON o.object = p.object
			WHERE p.member = $1 AND p.state = 'stored' AND o.deleted_us = 0 AND p.object > $2 ORDER BY p.object LIMIT 1`,
			string(member), from)
		if err == nil || !errors.Is(err, db.ErrNoRow) {
			return p, err == nil, err
		}
	}
	return Placement{}, false, nil
}
