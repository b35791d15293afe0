package vault

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/shard"
)

// countMark adds one to the mark and answers it.
func (s store) countMark(ctx context.Context) (int64, error) {
	text, err := db.One(ctx, s.db, db.Text, `INSERT INTO vault_note (name, value) VALUES ($1, '1') ON CONFLICT (name)
		DO UPDATE SET value = CAST(CAST(vault_note.value AS BIGINT) + 1 AS TEXT) RETURNING value`, noteMark)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

func (s store) mark(ctx context.Context) (int64, error) {
	text, err := s.note(ctx, noteMark)
	if err != nil || text == "" {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// moment reads a remark that is a time; zero when there is none.
func (s store) moment(ctx context.Context, name string) (core.Moment, error) {
	text, err := s.note(ctx, name)
	if err != nil || text == "" {
		return 0, err
	}
	us, err := strconv.ParseInt(text, 10, 64)
	return core.Moment(us), err
}

func (s store) setMoment(ctx context.Context, name string, at core.Moment) error {
	return s.setNote(ctx, name, strconv.FormatInt(int64(at), 10))
}

// noted reads a remark that lists members.
func (s store) noted(ctx context.Context, name string) (ids []core.MemberID, err error) {
	text, err := s.note(ctx, name)
	for id := range strings.FieldsSeq(text) {
		ids = append(ids, core.MemberID(id))
	}
	return ids, err
}

// setNoted writes a remark that lists members; none takes it away.
func (s store) setNoted(ctx context.Context, name string, ids []core.MemberID) error {
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		names = append(names, string(id))
	}
	return s.setNote(ctx, name, strings.Join(names, " "))
}

// everHeld lists the members that have or had anything of ours.
func (s store) everHeld(ctx context.Context) ([]core.MemberID, error) {
	return db.All(ctx, s.db, func(r db.Row) (id core.MemberID, err error) {
		err = r.Scan(&id)
		return id, err
	}, `SELECT DISTINCT member FROM vault_placement ORDER BY member`)
}

// mayHold is everHeld without the members whose pact is over.
func (s store) mayHold(ctx context.Context) ([]core.MemberID, error) {
	return db.All(ctx, s.db, func(r db.Row) (id core.MemberID, err error) {
		err = r.Scan(&id)
		return id, err
	}, `SELECT DISTINCT member FROM vault_placement WHERE state <> 'left' ORDER BY member`)
}

// summaries are what each member should answer when it is asked for its own: what it
// holds of ours and did not bury, by the catalogue.
func (s store) summaries(ctx context.Context) (map[core.MemberID]holder.Summary, error) {
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
			WHERE p.object >= $1 AND p.object < $2 AND p.state = 'held' AND p.grave_us = 0`, bucket, bucket+"g")
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

// known is what the catalogue says of one shard at one member.
type known struct {
	Placement
	grave  core.Moment // when the member buried it; zero = it has not
	repo   string
	buried core.Moment // the object; zero = alive
}

// knownAt lists what the catalogue says of a member's shards in a bucket (empty = of
// all), by name.
func (s store) knownAt(ctx context.Context, member core.MemberID, bucket string) (map[string]known, error) {
	rows, err := db.All(ctx, s.db, func(r db.Row) (k known, err error) {
		var object, root string
		if err = r.Scan(&object, &k.Index, &k.Member, &k.Length, &root, &k.State, &k.grave, &k.repo, &k.buried); err != nil {
			return k, err
		}
		if k.Object, err = shard.ParseHash(object); err != nil {
			return k, err
		}
		k.Root, err = shard.ParseHash(root)
		return k, err
	}, `SELECT p.object, p.idx, p.member, p.length, p.root, p.state, p.grave_us, o.repo, o.buried_us
		FROM vault_placement p JOIN vault_object o ON o.object = p.object
		WHERE p.member = $1 AND p.object >= $2 AND p.object < $3`, string(member), bucket, bucket+"g")
	out := make(map[string]known, len(rows))
	for _, k := range rows {
		out[holder.Ref{Object: k.Object, Index: k.Index}.Name()] = k
	}
	return out, err
}

// setGrave writes when a member buried a shard; zero = it is alive there.
func (s store) setGrave(ctx context.Context, q db.Querier, p Placement, at core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE vault_placement SET grave_us = $4, bury_us = 0 WHERE object = $1 AND idx = $2 AND member = $3`,
		p.Object.String(), p.Index, string(p.Member), int64(at))
	return err
}

// newestMade is when the newest object was accepted, removed ones too.
func (s store) newestMade(ctx context.Context) (core.Moment, error) {
	us, err := db.One(ctx, s.db, db.Int64, `SELECT coalesce(max(made_us), 0) FROM vault_object`)
	return core.Moment(us), err
}

// unnamedRepos lists the repositories that have files and no row of their own.
func (s store) unnamedRepos(ctx context.Context) ([]string, error) {
	return db.All(ctx, s.db, db.Text, `SELECT DISTINCT o.repo FROM vault_object o
		WHERE o.buried_us = 0 AND NOT EXISTS (SELECT 1 FROM vault_repo r WHERE r.name = o.repo) ORDER BY o.repo`)
}

// placeUnknown writes a shard that a member showed, unless its receipt came meanwhile.
func (s store) placeUnknown(ctx context.Context, q db.Querier, p Placement) error {
	known, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM vault_placement WHERE object = $1 AND idx = $2 AND member = $3`,
		p.Object.String(), p.Index, string(p.Member))
	if err != nil || known > 0 {
		return err
	}
	return s.place(ctx, q, p)
}

// adoptGraves writes what members say of when they buried the shards of an object.
func (s store) adoptGraves(ctx context.Context, q db.Querier, f *found) error {
	for _, c := range f.claims {
		if c.buried == 0 {
			continue
		}
		if err := s.setGrave(ctx, q, c.Placement, c.buried); err != nil {
			return fmt.Errorf("note a burial: %w", err)
		}
	}
	return nil
}
