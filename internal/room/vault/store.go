package vault

import (
	"context"
	"errors"
	"fmt"
	"math"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// store is all SQL about objects; it holds no state of its own.
type store struct{ db *db.DB }

const objectColumns = `object, repo, kind, name, size, sealed, k, n, seq, file, state, tries, next_us, made_us, safe_us, buried_us, sealed_to`

func scanObject(r db.Row) (Object, error) {
	var o Object
	var id string
	err := r.Scan(&id, &o.Repo, &o.File.Type, &o.File.Name, &o.Size, &o.Sealed, &o.Code.K, &o.Code.N, &o.Seq, &o.Shelf,
		&o.State, &o.Tries, &o.Next, &o.Made, &o.Safe, &o.Buried, &o.SealedTo)
	if err != nil {
		return o, err
	}
	o.ID, err = shard.ParseHash(id)
	return o, err
}

// addObject writes a new object behind all others of its repository and answers
// its place. Returns CodeConflict when a live file has the name already.
func (s store) addObject(ctx context.Context, o Object) (seq int64, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		last, err := db.One(ctx, q, db.Int64, `SELECT coalesce(max(seq), 0) FROM vault_object WHERE repo = $1`, o.Repo)
		if err != nil {
			return err
		}
		seq = last + 1
		return s.insertObject(ctx, q, o, seq)
	})
	if db.IsDuplicate(err) {
		return 0, core.Conflict("vault.name_taken", fmt.Errorf("%s of %s: %w", o.File, o.Repo, err))
	}
	return seq, err
}

func (s store) insertObject(ctx context.Context, q db.Querier, o Object, seq int64) error {
	_, err := db.Exec(ctx, q, `INSERT INTO vault_object (`+objectColumns+`, row_sum)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		o.ID.String(), o.Repo, string(o.File.Type), o.File.Name, o.Size, o.Sealed, o.Code.K, o.Code.N, seq, o.Shelf,
		string(o.State), o.Tries, int64(o.Next), int64(o.Made), int64(o.Safe), int64(o.Buried), o.SealedTo, sumOfObject(o))
	return err
}

// replaceObject puts a newly sealed form of the same file in the place of old,
// which stays as a buried row so that a later prune reaches its shards too; false
// when old was removed meanwhile.
func (s store) replaceObject(ctx context.Context, old, fresh Object, now core.Moment) (replaced bool, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		n, err := db.Exec(ctx, q, `UPDATE vault_object SET buried_us = $2, file = '' WHERE object = $1 AND buried_us = 0`,
			old.ID.String(), int64(now))
		if replaced = n > 0; err != nil || !replaced {
			return err
		}
		if err := s.mended(ctx, q, old.ID, now); err != nil {
			return err
		}
		return s.insertObject(ctx, q, fresh, fresh.Seq)
	})
	return replaced, err
}

// alive is the condition that an object belongs to the repository as of $3, or
// now when that is zero.
const alive = `(CASE WHEN $3 = 0 THEN buried_us = 0 ELSE made_us <= $3 AND (buried_us = 0 OR buried_us > $3) END)`

// file finds one file as of a moment (zero = now): the last of its forms, when it was
// sealed anew since. Returns CodeNotFound.
func (s store) file(ctx context.Context, repo string, h rest.Handle, asOf core.Moment) (Object, error) {
	o, err := db.One(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE repo = $1 AND kind = $2 AND `+alive+` AND name = $4
		ORDER BY seq DESC, CASE WHEN buried_us = 0 THEN 0 ELSE 1 END, buried_us DESC LIMIT 1`,
		repo, string(h.Type), int64(asOf), h.Name)
	if errors.Is(err, db.ErrNoRow) {
		return o, core.NotFound("vault.no_file", fmt.Errorf("%s has no %s", repo, h))
	}
	return o, err
}

// files lists a repository's files of a type as of a moment (zero = now).
func (s store) files(ctx context.Context, repo string, t rest.Type, asOf core.Moment) ([]rest.Item, error) {
	return db.All(ctx, s.db, func(r db.Row) (i rest.Item, err error) {
		err = r.Scan(&i.Name, &i.Size)
		return i, err
	}, `SELECT DISTINCT name, size FROM vault_object WHERE repo = $1 AND kind = $2 AND `+alive+` ORDER BY name`,
		repo, string(t), int64(asOf))
}

// objects lists all live objects of a repository in the order they came.
func (s store) objects(ctx context.Context, repo string) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE repo = $1 AND buried_us = 0 ORDER BY seq`, repo)
}

func (s store) object(ctx context.Context, id shard.Hash) (Object, error) {
	o, err := db.One(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object WHERE object = $1`, id.String())
	if errors.Is(err, db.ErrNoRow) {
		return o, core.NotFound("vault.no_file", fmt.Errorf("no object %s", id))
	}
	return o, err
}

// due lists objects that have work waiting, those that are not off-site first,
// then in the order they came.
func (s store) due(ctx context.Context, now core.Moment, limit int) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE state <> 'placed' AND buried_us = 0 AND next_us <= $1
		ORDER BY CASE WHEN state = 'waiting' THEN 0 ELSE 1 END, next_us > 0, made_us, seq LIMIT $2`, int64(now), limit)
}

// needed lists what must be off-site before an index or a snapshot is acknowledged,
// and never was: the file itself, what came since the place at which the restic run
// began, and what the repository is opened with. A snapshot may also hang on what an
// index named before the run began. A pack that came before it and that no index
// names is the rest of a run that failed: nobody needs it. With began 0 everything
// before the file is needed.
//
// What was off-site once, and has lost shards since, is the business of `vault status`:
// stopping new backups would not bring it back.
//
// spec: docs/spec/rest.md#acknowledgement
func (s store) needed(ctx context.Context, o Object, began int64) ([]shard.Hash, error) {
	if o.Seq == 0 { // not accepted yet: behind everything
		o.Seq = math.MaxInt64
	}
	return db.All(ctx, s.db, func(r db.Row) (h shard.Hash, err error) {
		var id string
		if err = r.Scan(&id); err != nil {
			return h, err
		}
		return shard.ParseHash(id)
	}, `SELECT object FROM vault_object o WHERE repo = $1 AND seq <= $2 AND safe_us = 0 AND buried_us = 0
		AND (seq > $3 OR object = $4 OR kind IN ('config', 'keys', 'repo') OR $5 = 'snapshots' AND (kind = 'index'
			OR kind = 'data' AND EXISTS (SELECT 1 FROM vault_object i WHERE i.repo = o.repo AND i.kind = 'index'
				AND i.buried_us = 0 AND i.seq > o.seq AND i.seq <= $3)))`,
		o.Repo, o.Seq, began, o.ID.String(), string(o.File.Type))
}

// tail is the place of the file a repository accepted last, and whether any was never
// off-site.
func (s store) tail(ctx context.Context, repo string) (last int64, pending bool, err error) {
	if last, err = db.One(ctx, s.db, db.Int64, `SELECT coalesce(max(seq), 0) FROM vault_object WHERE repo = $1`, repo); err != nil {
		return 0, false, err
	}
	n, err := db.One(ctx, s.db, db.Int64, `SELECT count(*) FROM vault_object
		WHERE repo = $1 AND safe_us = 0 AND buried_us = 0`, repo)
	return last, n > 0, err
}

// waitingObjects lists what is not off-site, in the order it is sent.
func (s store) waitingObjects(ctx context.Context) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE state = 'waiting' AND buried_us = 0 ORDER BY made_us, seq`)
}

// setCode remembers the code an object is cut with.
func (s store) setCode(ctx context.Context, id shard.Hash, c shard.Code) error {
	return s.setCodeIn(ctx, s.db, id, c)
}

func (s store) setCodeIn(ctx context.Context, q db.Querier, id shard.Hash, c shard.Code) error {
	_, err := db.Exec(ctx, q, `UPDATE vault_object SET k = $2, n = $3 WHERE object = $1`, id.String(), c.K, c.N)
	return err
}

// setState moves an object. The first time it is off-site is kept for good; one that
// is placed forgets its failed rounds, or its next loss would count as the last of many.
func (s store) setState(ctx context.Context, q db.Querier, id shard.Hash, state State, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE vault_object SET state = $2,
		tries = CASE WHEN $2 = 'placed' THEN 0 ELSE tries END,
		safe_us = CASE WHEN safe_us = 0 AND $2 <> 'waiting' THEN $3 ELSE safe_us END WHERE object = $1`,
		id.String(), string(state), int64(now))
	return err
}

// postpone counts a failed round and says when the next may begin; tries 0 is a
// round that went well.
func (s store) postpone(ctx context.Context, id shard.Hash, tries int, next core.Moment) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_object SET tries = $2, next_us = $3 WHERE object = $1`,
		id.String(), tries, int64(next))
	return err
}

// hurry makes everything that waits due at once: a lender came, or came back.
func (s store) hurry(ctx context.Context) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_object SET next_us = 0 WHERE state <> 'placed' AND next_us > 0`)
	return err
}

// shelve writes where on our disk an object lies; empty = nowhere.
func (s store) shelve(ctx context.Context, q db.Querier, id shard.Hash, file string) error {
	_, err := db.Exec(ctx, q, `UPDATE vault_object SET file = $2 WHERE object = $1`, id.String(), file)
	return err
}

// newestObjects lists the files of a type that a repository accepted last.
func (s store) newestObjects(ctx context.Context, repo string, t rest.Type, limit int) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE repo = $1 AND kind = $2 AND buried_us = 0 ORDER BY seq DESC LIMIT $3`, repo, string(t), limit)
}

// shelved lists what lies on our disk.
func (s store) shelved(ctx context.Context) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object WHERE file <> ''`)
}

// spooled is how many sealed bytes wait on our disk for the members.
func (s store) spooled(ctx context.Context) (int64, error) {
	return db.One(ctx, s.db, db.Int64, `SELECT CAST(coalesce(sum(sealed), 0) AS BIGINT) FROM vault_object
		WHERE file <> '' AND kind = 'data' AND buried_us = 0`)
}

// note reads a remark; empty when there is none.
func (s store) note(ctx context.Context, name string) (string, error) {
	value, err := db.One(ctx, s.db, db.Text, `SELECT value FROM vault_note WHERE name = $1`, name)
	if errors.Is(err, db.ErrNoRow) {
		return "", nil
	}
	return value, err
}

// setNote writes a remark; empty takes it away.
func (s store) setNote(ctx context.Context, name, value string) error {
	if value == "" {
		_, err := db.Exec(ctx, s.db, `DELETE FROM vault_note WHERE name = $1`, name)
		return err
	}
	_, err := db.Exec(ctx, s.db, `INSERT INTO vault_note (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}

// buryObject hides an object; its placements stay for the view as of a date.
func (s store) buryObject(ctx context.Context, id shard.Hash, now core.Moment) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_object SET buried_us = $2 WHERE object = $1 AND buried_us = 0`, id.String(), int64(now))
	return err
}
