package catalogue

import (
	"context"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

const objectColumns = `object, repo, kind, name, size, sealed, k, n, seq, file, state, tries, next_us, made_us, safe_us, deleted_us, sealed_to`

func scanObject(r db.Row) (Object, error) {
	var o Object
	var id string
	err := r.Scan(&id, &o.Repo, &o.File.Type, &o.File.Name, &o.Size, &o.Sealed, &o.Code.K, &o.Code.N, &o.Seq, &o.Local,
		&o.State, &o.Tries, &o.Next, &o.Made, &o.Safe, &o.Deleted, &o.SealedTo)
	if err != nil {
		return o, err
	}
	o.ID, err = shard.ParseHash(id)
	return o, err
}

// alive is the condition that an object belongs to the repository as of $3, or
// now when that is zero.
const alive = `(CASE WHEN $3 = 0 THEN deleted_us = 0 ELSE made_us <= $3 AND (deleted_us = 0 OR deleted_us > $3) END)`

// Lose takes an object out of its repository as Gone.
func (s Objects) Lose(ctx context.Context, id shard.Hash, now core.Moment) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_object SET deleted_us = $2, state = 'gone', file = '' WHERE object = $1 AND deleted_us = 0`,
		id.String(), int64(now))
	return err
}

// Gone counts the packs on which a new file of this type may rest although they are Gone:
// those of a run that began before them, for a day; and for a snapshot those that an index
// of before the loss may name. One that was sent again counts no more.
func (s Objects) Gone(ctx context.Context, repo string, t rest.Type, began int64, since core.Moment) (int64, error) {
	return db.One(ctx, s.db, db.Int64, `SELECT count(*) FROM vault_object o WHERE repo = $1 AND state = 'gone' AND kind = 'data'
		AND NOT EXISTS (SELECT 1 FROM vault_object a WHERE a.repo = o.repo AND a.kind = o.kind AND a.name = o.name AND a.deleted_us = 0)
		AND (seq > $2 AND deleted_us > $3 OR $4 = 'snapshots' AND EXISTS (SELECT 1 FROM vault_object i
			WHERE i.repo = o.repo AND i.kind = 'index' AND i.deleted_us = 0 AND i.seq > o.seq AND i.made_us <= o.deleted_us))`,
		repo, began, int64(since), string(t))
}

// NewestMade is when the newest object was accepted, removed ones too.
func (s Objects) NewestMade(ctx context.Context) (core.Moment, error) {
	us, err := db.One(ctx, s.db, db.Int64, `SELECT coalesce(max(made_us), 0) FROM vault_object`)
	return core.Moment(us), err
}

// Add writes a new object behind all others of its repository and answers
// its place. Returns CodeConflict when a live file has the name already.
func (s Objects) Add(ctx context.Context, o Object) (seq int64, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		last, err := db.One(ctx, q, db.Int64, `SELECT coalesce(max(seq), 0) FROM vault_object WHERE repo = $1`, o.Repo)
		if err != nil {
			return err
		}
		seq = last + 1
		return s.insert(ctx, q, o, seq)
	})
	if db.IsDuplicate(err) {
		return 0, core.Conflict("vault.name_taken", fmt.Errorf("%s of %s: %w", o.File, o.Repo, err))
	}
	return seq, err
}

func (s Objects) insert(ctx context.Context, q db.Querier, o Object, seq int64) error {
	_, err := db.Exec(ctx, q, `INSERT INTO vault_object (`+objectColumns+`, row_sum)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		o.ID.String(), o.Repo, string(o.File.Type), o.File.Name, o.Size, o.Sealed, o.Code.K, o.Code.N, seq, o.Local,
		string(o.State), o.Tries, int64(o.Next), int64(o.Made), int64(o.Safe), int64(o.Deleted), o.SealedTo, sumOfObject(o))
	return err
}

// Replace puts a newly sealed form of the same file in the place of old,
// which stays as a deleted row so that a later prune reaches its shards too; false
// when old was removed meanwhile.
func (s Objects) Replace(ctx context.Context, old, fresh Object, now core.Moment) (replaced bool, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		n, err := db.Exec(ctx, q, `UPDATE vault_object SET deleted_us = $2, file = '' WHERE object = $1 AND deleted_us = 0`,
			old.ID.String(), int64(now))
		if replaced = n > 0; err != nil || !replaced {
			return err
		}
		if err := Troubles(s).EndOf(ctx, q, old.ID, now); err != nil {
			return err
		}
		return s.insert(ctx, q, fresh, fresh.Seq)
	})
	return replaced, err
}

// File finds one file as of a moment (zero = now): the last of its forms, when it was
// sealed anew since. Returns CodeNotFound.
func (s Objects) File(ctx context.Context, repo string, h rest.Handle, asOf core.Moment) (Object, error) {
	o, err := db.One(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE repo = $1 AND kind = $2 AND `+alive+` AND name = $4
		ORDER BY seq DESC, CASE WHEN deleted_us = 0 THEN 0 ELSE 1 END, deleted_us DESC LIMIT 1`,
		repo, string(h.Type), int64(asOf), h.Name)
	if errors.Is(err, db.ErrNoRow) {
		return o, core.NotFound("vault.no_file", fmt.Errorf("%s has no %s", repo, h))
	}
	return o, err
}

// Files lists a repository's files of a type as of a moment (zero = now).
func (s Objects) Files(ctx context.Context, repo string, t rest.Type, asOf core.Moment) ([]rest.Item, error) {
	return db.All(ctx, s.db, func(r db.Row) (i rest.Item, err error) {
		err = r.Scan(&i.Name, &i.Size)
		return i, err
	}, `SELECT DISTINCT name, size FROM vault_object WHERE repo = $1 AND kind = $2 AND `+alive+` ORDER BY name`,
		repo, string(t), int64(asOf))
}

// All lists all live objects of a repository in the order they came.
func (s Objects) All(ctx context.Context, repo string) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE repo = $1 AND deleted_us = 0 ORDER BY seq`, repo)
}

// Get finds an object, deleted or not. Returns CodeNotFound.
func (s Objects) Get(ctx context.Context, id shard.Hash) (Object, error) {
	o, err := db.One(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object WHERE object = $1`, id.String())
	if errors.Is(err, db.ErrNoRow) {
		return o, core.NotFound("vault.no_file", fmt.Errorf("no object %s", id))
	}
	return o, err
}

// SetLocal writes where on our disk an object lies; empty = nowhere.
func (s Objects) SetLocal(ctx context.Context, q db.Querier, id shard.Hash, file string) error {
	_, err := db.Exec(ctx, q, `UPDATE vault_object SET file = $2 WHERE object = $1`, id.String(), file)
	return err
}

// Newest lists the files of a type that a repository accepted last.
func (s Objects) Newest(ctx context.Context, repo string, t rest.Type, limit int) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE repo = $1 AND kind = $2 AND deleted_us = 0 ORDER BY seq DESC LIMIT $3`, repo, string(t), limit)
}

// Local lists what lies on our disk.
func (s Objects) Local(ctx context.Context) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object WHERE file <> ''`)
}

// Spooled is how many sealed bytes wait on our disk for the members.
func (s Objects) Spooled(ctx context.Context) (int64, error) {
	return db.One(ctx, s.db, db.Int64, `SELECT CAST(coalesce(sum(sealed), 0) AS BIGINT) FROM vault_object
		WHERE file <> '' AND kind = 'data' AND deleted_us = 0`)
}

// Delete hides an object; its placements stay for the view as of a date.
func (s Objects) Delete(ctx context.Context, id shard.Hash, now core.Moment) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_object SET deleted_us = $2 WHERE object = $1 AND deleted_us = 0`, id.String(), int64(now))
	return err
}

// CopiesBelow lists placed objects of a type that are whole copies, fewer than n.
func (s Objects) CopiesBelow(ctx context.Context, t rest.Type, n, limit int) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE kind = $1 AND k = 1 AND n < $2 AND state = 'placed' AND deleted_us = 0 ORDER BY n, seq LIMIT $3`, string(t), n, limit)
}

// Unfit lists objects of which no stored shard is as long as their code says, or whose code
// has another number of shards than those of its kind.
func (s Objects) Unfit(ctx context.Context) ([]Object, error) {
	const held = `SELECT 1 FROM vault_placement p WHERE p.object = vault_object.object AND p.state = 'stored'`
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object WHERE EXISTS (`+held+`)
		AND (NOT (k = 1 AND n BETWEEN 1 AND $1 OR k = 2 AND n = 4 OR k = 3 AND n = 5 OR k = 4 AND n = 6 OR k = 6 AND n = 9)
			OR NOT EXISTS (`+held+` AND p.length = (vault_object.sealed + vault_object.k - 1) / CASE WHEN vault_object.k > 1 THEN vault_object.k ELSE 1 END))
		ORDER BY seq`, MostDomains)
}

// Unexplained lists objects that are out of their repository although neither a
// tombstone, nor a member's deletion, nor another form of the same file says why, and
// that enough members hold.
func (s Objects) Unexplained(ctx context.Context) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE deleted_us <> 0 AND NOT EXISTS (SELECT 1 FROM vault_tombstone t WHERE t.object = vault_object.object)
		AND NOT EXISTS (SELECT 1 FROM vault_placement p WHERE p.object = vault_object.object AND p.deleted_us <> 0)
		AND NOT EXISTS (SELECT 1 FROM vault_object a WHERE a.repo = vault_object.repo AND a.kind = vault_object.kind
			AND a.name = vault_object.name AND a.object <> vault_object.object)
		AND `+storedOf+` >= CASE WHEN k > 1 THEN k ELSE 1 END ORDER BY seq`)
}

// Forms lists every sealed form a file ever had, alive or not, that is not under a
// tombstone yet.
func (s Objects) Forms(ctx context.Context, repo string, h rest.Handle) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE repo = $1 AND kind = $2 AND name = $3
		AND NOT EXISTS (SELECT 1 FROM vault_tombstone t WHERE t.object = vault_object.object) ORDER BY seq`,
		repo, string(h.Type), h.Name)
}

// DeletedSince lists what was removed from a repository after a moment and can
// come back: nothing has its name now.
func (s Objects) DeletedSince(ctx context.Context, repo string, since core.Moment) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE repo = $1 AND deleted_us >= $2 AND EXISTS (SELECT 1 FROM vault_placement p WHERE p.object = vault_object.object)
		AND NOT EXISTS (SELECT 1 FROM vault_object a WHERE a.repo = vault_object.repo AND a.kind = vault_object.kind
			AND a.name = vault_object.name AND (a.deleted_us = 0 OR a.deleted_us > vault_object.deleted_us))
		ORDER BY seq`, repo, int64(since))
}
