package lending

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/shard"
)

// The states of a row. A reserved one counts in the quota and nowhere else; of a
// broken one the file does not match its root; a leaving one is on its way to
// the trash.
const (
	stateReserved = "reserved"
	stateStored   = "stored"
	stateBroken   = "broken"
	stateLeaving  = "leaving"
)

// errFull says that a reservation would pass the quota.
var errFull = errors.New("quota")

// row is one line of vault_stored.
type row struct {
	owner    core.MemberID
	object   shard.Hash
	index    int
	state    string
	bytes    int64 // what the file counts in the pact
	length   int64 // of the data
	root     shard.Hash
	prune    string
	head     []byte
	received core.Moment
	until    core.Moment
	checked  core.Moment
	deleted  core.Moment
	tomb     core.Moment
	tree     []byte // the subtrees of the data; empty for one, and where they are not known
}

func (r row) ref() holder.Ref {
	return holder.Ref{Owner: r.owner, Object: r.object, Index: r.index, Root: r.root, Length: r.length}
}

// parse reads the head in the row. Returns CodeInvalid when it is not that of the row.
func (r row) parse() (shard.Head, error) {
	head, err := shard.Parse(r.head)
	if err == nil && (head.Size() != int64(len(r.head)) || holder.RefOf(head.Header) != r.ref()) {
		err = core.Invalid("vault.bad_shard", errors.New("of another shard"))
	}
	if err != nil {
		return shard.Head{}, fmt.Errorf("stored head of %s: %w", r.ref().Name(), err)
	}
	return head, nil
}

// rowOf is the row of a head that is being received, or was found on disk.
func rowOf(h shard.Head, state string, received core.Moment) row {
	r := row{
		owner: h.Owner, object: h.Object, index: h.Index, state: state,
		bytes: shard.Charge(h.Size() + h.Length), length: h.Length, root: h.Root, head: h.Bytes(), received: received,
	}
	if !h.Prune.IsZero() {
		text, _ := h.Prune.MarshalText()
		r.prune = string(text)
	}
	return r
}

const rowColumns = `owner, object, idx, state, bytes, length, root, prune, head,
	received_us, until_us, checked_us, deleted_us, tombstone_us, tree`

func scanRow(r db.Row) (row, error) {
	var out row
	var object, root string
	err := r.Scan(&out.owner, &object, &out.index, &out.state, &out.bytes, &out.length, &root, &out.prune, &out.head,
		&out.received, &out.until, &out.checked, &out.deleted, &out.tomb, &out.tree)
	if err != nil {
		return row{}, err
	}
	if out.object, err = shard.ParseHash(object); err != nil {
		return row{}, err
	}
	out.root, err = shard.ParseHash(root)
	return out, err
}

// records is the SQL of what this member keeps for others.
type records struct{ db *db.DB }

// find gives the row of a shard, db.ErrNoRow for none.
func find(ctx context.Context, q db.Querier, ref holder.Ref) (row, error) {
	return db.One(ctx, q, scanRow, `SELECT `+rowColumns+` FROM vault_stored
		WHERE owner = $1 AND object = $2 AND idx = $3`, ref.Owner, ref.Object.String(), ref.Index)
}

// reserve counts r in the owner's quota before its body is read. When the shard
// has a row already that one is returned and nothing changes, but for a broken
// one, which is reserved anew. errFull beyond limit bytes.
func (s records) reserve(ctx context.Context, r row, limit int64) (old row, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		old, err = find(ctx, q, r.ref())
		if err == nil && old.state == stateBroken {
			return rewrite(ctx, q, old, r, limit)
		}
		if !errors.Is(err, db.ErrNoRow) {
			return err
		}
		if err := addTenant(ctx, q, r.owner); err != nil {
			return err
		}
		n, err := db.Exec(ctx, q, `UPDATE vault_tenant SET bytes = bytes + $2, shards = shards + 1
			WHERE owner = $1 AND bytes + $2 <= $3`, r.owner, r.bytes, limit)
		if err != nil {
			return err
		}
		if n == 0 {
			return errFull
		}
		return insert(ctx, q, r)
	})
	return old, err
}

// rewrite lets a row say what r says, but for its times. errFull when r is larger and
// would pass limit bytes; a head alone may be (its label is sealed anew each time).
func rewrite(ctx context.Context, q db.Querier, old, r row, limit int64) error {
	n, err := db.Exec(ctx, q, `UPDATE vault_tenant SET bytes = bytes + $2
		WHERE owner = $1 AND (bytes + $2 <= $3 OR $2 <= $4)`, r.owner, r.bytes-old.bytes, limit, shard.MaxHead+shard.Block)
	if err != nil {
		return err
	}
	if n == 0 {
		return errFull
	}
	_, err = db.Exec(ctx, q, `UPDATE vault_stored SET state = $4, bytes = $5, length = $6, root = $7, prune = $8, head = $9, tree = $10
		WHERE owner = $1 AND object = $2 AND idx = $3`,
		r.owner, r.object.String(), r.index, r.state, r.bytes, r.length, r.root.String(), r.prune, r.head, append([]byte{}, r.tree...))
	return err
}

// setTree keeps the subtrees of a shard's data.
func (s records) setTree(ctx context.Context, ref holder.Ref, tree []byte) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_stored SET tree = $4 WHERE owner = $1 AND object = $2 AND idx = $3`,
		ref.Owner, ref.Object.String(), ref.Index, append([]byte{}, tree...))
	return err
}

// trust has a row say what the head of its sound file says: the row was damaged.
func (s records) trust(ctx context.Context, r row) error {
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		old, err := find(ctx, q, r.ref())
		if err != nil || old.state != stateStored {
			return err
		}
		return rewrite(ctx, q, old, r, math.MaxInt64/2)
	})
}

func addTenant(ctx context.Context, q db.Querier, owner core.MemberID) error {
	_, err := db.Exec(ctx, q, `INSERT INTO vault_tenant (owner, bytes, shards) VALUES ($1, 0, 0)
		ON CONFLICT (owner) DO NOTHING`, owner)
	return err
}

func insert(ctx context.Context, q db.Querier, r row) error {
	_, err := db.Exec(ctx, q, `INSERT INTO vault_stored (`+rowColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		r.owner, r.object.String(), r.index, r.state, r.bytes, r.length, r.root.String(), r.prune, r.head,
		r.received, r.until, r.checked, r.deleted, r.tomb, append([]byte{}, r.tree...))
	return err
}

// adopt counts a shard that is on disk and had no row; a row that came meanwhile
// stays as it is.
func (s records) adopt(ctx context.Context, r row) error {
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := find(ctx, q, r.ref()); !errors.Is(err, db.ErrNoRow) {
			return err
		}
		if err := addTenant(ctx, q, r.owner); err != nil {
			return err
		}
		if _, err := db.Exec(ctx, q, `UPDATE vault_tenant SET bytes = bytes + $2, shards = shards + 1
			WHERE owner = $1`, r.owner, r.bytes); err != nil {
			return err
		}
		return insert(ctx, q, r)
	})
}

// confirm turns a reservation into a stored shard: the file is on disk.
func (s records) confirm(ctx context.Context, r row) error {
	n, err := db.Exec(ctx, s.db, `UPDATE vault_stored SET state = $4, received_us = $5, checked_us = $5, until_us = $6, deleted_us = 0, tree = $7
		WHERE owner = $1 AND object = $2 AND idx = $3`,
		r.owner, r.object.String(), r.index, stateStored, r.received, r.until, append([]byte{}, r.tree...))
	if err == nil && n == 0 {
		return fmt.Errorf("reservation of %s is gone", r.ref().Name())
	}
	return err
}

// renew gives a stored shard a new promise, and undeletes it when it was deleted: its
// owner has just sent it again. False when it is no longer stored.
func (s records) renew(ctx context.Context, ref holder.Ref, until core.Moment) (bool, error) {
	n, err := db.Exec(ctx, s.db, `UPDATE vault_stored SET until_us = $4, deleted_us = 0
		WHERE owner = $1 AND object = $2 AND idx = $3 AND state = $5`,
		ref.Owner, ref.Object.String(), ref.Index, until, stateStored)
	return n > 0, err
}

// drop takes a row in this state out of the list and of the quota.
func (s records) drop(ctx context.Context, ref holder.Ref, state string) error {
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		r, err := find(ctx, q, ref)
		if errors.Is(err, db.ErrNoRow) || err == nil && r.state != state {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := db.Exec(ctx, q, `DELETE FROM vault_stored WHERE owner = $1 AND object = $2 AND idx = $3`,
			ref.Owner, ref.Object.String(), ref.Index); err != nil {
			return err
		}
		_, err = db.Exec(ctx, q, `UPDATE vault_tenant SET bytes = bytes - $2, shards = shards - 1
			WHERE owner = $1`, ref.Owner, r.bytes)
		return err
	})
}

// breakAt marks a stored row as broken since now; false when it was not stored.
func (s records) breakAt(ctx context.Context, ref holder.Ref, now core.Moment) (bool, error) {
	n, err := db.Exec(ctx, s.db, `UPDATE vault_stored SET state = $5, checked_us = $6
		WHERE owner = $1 AND object = $2 AND idx = $3 AND state = $4`,
		ref.Owner, ref.Object.String(), ref.Index, stateStored, stateBroken, now)
	return n > 0, err
}

// breakUnknown marks the rows whose state is none as broken: a bit flipped in it. It says
// how many.
func (s records) breakUnknown(ctx context.Context, now core.Moment) (int64, error) {
	return db.Exec(ctx, s.db, `UPDATE vault_stored SET state = $1, checked_us = $2 WHERE state NOT IN ($1, $3, $4, $5)`,
		stateBroken, now, stateStored, stateReserved, stateLeaving)
}

// recount sums what each owner takes anew from the rows: the sum is kept beside them, and a
// bit may flip in it.
func (s records) recount(ctx context.Context) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_tenant SET
		bytes = (SELECT CAST(COALESCE(SUM(h.bytes), 0) AS BIGINT) FROM vault_stored h WHERE h.owner = vault_tenant.owner),
		shards = (SELECT COUNT(*) FROM vault_stored h WHERE h.owner = vault_tenant.owner)`)
	return err
}

// setChecked notes that the data was read and is what its root says.
func (s records) setChecked(ctx context.Context, ref holder.Ref, now core.Moment) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_stored SET checked_us = $4
		WHERE owner = $1 AND object = $2 AND idx = $3`, ref.Owner, ref.Object.String(), ref.Index, now)
	return err
}

// inState lists rows of one state, oldest first.
func (s records) inState(ctx context.Context, state string, limit int) ([]row, error) {
	return db.All(ctx, s.db, scanRow, `SELECT `+rowColumns+` FROM vault_stored
		WHERE state = $1 ORDER BY received_us LIMIT $2`, state, limit)
}

// unchecked lists stored rows whose data was not read since before, longest first.
func (s records) unchecked(ctx context.Context, before core.Moment, limit int) ([]row, error) {
	return db.All(ctx, s.db, scanRow, `SELECT `+rowColumns+` FROM vault_stored
		WHERE state = $1 AND checked_us < $2 ORDER BY checked_us LIMIT $3`, stateStored, before, limit)
}

// page lists stored rows of an owner after a name, in order.
func (s records) page(ctx context.Context, owner core.MemberID, object string, index, limit int) ([]row, error) {
	return db.All(ctx, s.db, scanRow, `SELECT `+rowColumns+` FROM vault_stored
		WHERE owner = $1 AND (object, idx) > ($2, $3) AND state = $4
		ORDER BY object, idx LIMIT $5`, owner, object, index, stateStored, limit)
}

// used is what an owner's rows count, in bytes.
func (s records) used(ctx context.Context, owner core.MemberID) (int64, error) {
	n, err := db.One(ctx, s.db, db.Int64, `SELECT bytes FROM vault_tenant WHERE owner = $1`, owner)
	if errors.Is(err, db.ErrNoRow) {
		return 0, nil
	}
	return n, err
}

// tenants lists the owners that have rows.
func (s records) tenants(ctx context.Context) ([]core.MemberID, error) {
	owners, err := db.All(ctx, s.db, db.Text, `SELECT owner FROM vault_tenant ORDER BY owner`)
	out := make([]core.MemberID, len(owners))
	for i, o := range owners {
		out[i] = core.MemberID(o)
	}
	return out, err
}

// known is what a scan compares of a row.
type known struct {
	ref   holder.Ref
	state string
}

// names lists an owner's rows whose object begins with prefix, by name.
func (s records) names(ctx context.Context, owner core.MemberID, prefix string) (map[string]known, error) {
	rows, err := db.All(ctx, s.db, func(r db.Row) (known, error) {
		k := known{ref: holder.Ref{Owner: owner}}
		var object string
		if err := r.Scan(&object, &k.ref.Index, &k.state); err != nil {
			return k, err
		}
		var err error
		k.ref.Object, err = shard.ParseHash(object)
		return k, err
	}, `SELECT object, idx, state FROM vault_stored WHERE owner = $1 AND object >= $2 AND object < $3`,
		owner, prefix, prefix+"g") // "g" comes after every hex digit
	out := make(map[string]known, len(rows))
	for _, k := range rows {
		out[k.ref.Name()] = k
	}
	return out, err
}

// delete marks what the tombstone may have and says what has to wait. The rows'
// owner and prune key are compared here, in one transaction with the day's count.
func (s records) delete(ctx context.Context, t holder.Tombstone, now core.Moment) (out holder.Deletion, err error) {
	prune, _ := t.Prune.MarshalText()
	err = s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		out = holder.Deletion{}
		day, err := db.One(ctx, q, db.Int64, `SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM vault_stored
			WHERE owner = $1 AND deleted_us > 0 AND deleted_us > $2`, t.Owner, now.Add(-24*time.Hour))
		if err != nil {
			return err
		}
		total, err := db.One(ctx, q, db.Int64, `SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM vault_tenant
			WHERE owner = $1`, t.Owner)
		if err != nil {
			return err
		}
		rule := deletionRule{prune: string(prune), now: now, made: t.Made, day: day, total: total}
		for _, object := range t.Objects {
			if err := rule.object(ctx, q, t.Owner, object, &out); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// object deletes the shards of one object, or puts it in Later.
func (b *deletionRule) object(ctx context.Context, q db.Querier, owner core.MemberID, object shard.Hash, out *holder.Deletion) error {
	rows, err := db.All(ctx, q, scanRow, `SELECT `+rowColumns+` FROM vault_stored
		WHERE owner = $1 AND object = $2 AND state <> $3`, owner, object.String(), stateLeaving)
	if err != nil {
		return err
	}
	verdict, err := b.judge(rows)
	if err != nil {
		return err
	}
	switch verdict {
	case deleteNow:
		_, err = db.Exec(ctx, q, `UPDATE vault_stored SET deleted_us = $3, tombstone_us = $4
			WHERE owner = $1 AND object = $2 AND deleted_us = 0 AND state <> $5`,
			owner, object.String(), b.now, b.made, stateLeaving)
		out.Deleted = append(out.Deleted, object)
	case alreadyDeleted:
		out.Deleted = append(out.Deleted, object)
	case deleteLater:
		out.Later = append(out.Later, object)
	case deleteNothing:
	}
	return err
}

// undelete undeletes an owner's object and says how many shards.
func (s records) undelete(ctx context.Context, owner core.MemberID, objects []shard.Hash) (n int64, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		n = 0
		for _, object := range objects {
			undeleted, err := db.Exec(ctx, q, `UPDATE vault_stored SET deleted_us = 0
				WHERE owner = $1 AND object = $2 AND deleted_us > 0 AND state <> $3`, owner, object.String(), stateLeaving)
			if err != nil {
				return err
			}
			n += undeleted
		}
		return nil
	})
	return n, err
}

// expired marks as leaving what was deleted at or before the given time, or broke and was
// not sent again since, at most limit rows of each, and lists all that are leaving.
func (s records) expired(ctx context.Context, before core.Moment, limit int) ([]row, error) {
	if _, err := db.Exec(ctx, s.db, `UPDATE vault_stored SET state = $1
		WHERE state = $3 AND checked_us <= $2
		AND (owner, object, idx) IN (SELECT owner, object, idx FROM vault_stored
			WHERE state = $3 AND checked_us <= $2 ORDER BY checked_us LIMIT $4)`,
		stateLeaving, before, stateBroken, limit); err != nil {
		return nil, err
	}
	if _, err := db.Exec(ctx, s.db, `UPDATE vault_stored SET state = $1
		WHERE deleted_us > 0 AND deleted_us <= $2 AND state IN ($3, $4)
		AND (owner, object, idx) IN (SELECT owner, object, idx FROM vault_stored
			WHERE deleted_us > 0 AND deleted_us <= $2 ORDER BY deleted_us LIMIT $5)`,
		stateLeaving, before, stateStored, stateBroken, limit); err != nil {
		return nil, err
	}
	return db.All(ctx, s.db, scanRow, `SELECT `+rowColumns+` FROM vault_stored WHERE state = $1 LIMIT $2`, stateLeaving, limit)
}

// readers gives the stored list of an owner, db.ErrNoRow for none.
func (s records) readers(ctx context.Context, owner core.MemberID) ([]byte, error) {
	return db.One(ctx, s.db, func(r db.Row) (list []byte, err error) {
		err = r.Scan(&list)
		return list, err
	}, `SELECT list FROM vault_reader WHERE owner = $1`, owner)
}

// setReaders keeps the newer of two lists; false when the stored one is newer. stale is a stored one
// that gives way whatever its time; nil = none.
func (s records) setReaders(ctx context.Context, r holder.Readers, list, stale []byte) (bool, error) {
	n, err := db.Exec(ctx, s.db, `INSERT INTO vault_reader (owner, made_us, list) VALUES ($1, $2, $3)
		ON CONFLICT (owner) DO UPDATE SET made_us = excluded.made_us, list = excluded.list
		WHERE vault_reader.made_us <= excluded.made_us OR vault_reader.list = $4`, r.Owner, r.Made, list, stale)
	return n > 0, err
}

// count is how many shards are stored, and how many broke and wait to be sent again.
func (s records) count(ctx context.Context) (stored, broken int64, err error) {
	if stored, err = db.One(ctx, s.db, db.Int64, `SELECT count(*) FROM vault_stored WHERE state = $1`, stateStored); err == nil {
		broken, err = db.One(ctx, s.db, db.Int64, `SELECT count(*) FROM vault_stored WHERE state = $1`, stateBroken)
	}
	return stored, broken, err
}

// sample lists stored rows, from a random hex object name on.
func (s records) sample(ctx context.Context, from string, limit int) ([]row, error) {
	rows, err := db.All(ctx, s.db, scanRow, `SELECT `+rowColumns+` FROM vault_stored
		WHERE state = $1 AND object >= $2 ORDER BY object, idx LIMIT $3`, stateStored, from, limit)
	if err != nil || len(rows) == limit {
		return rows, err
	}
	more, err := db.All(ctx, s.db, scanRow, `SELECT `+rowColumns+` FROM vault_stored
		WHERE state = $1 AND object < $2 ORDER BY object, idx LIMIT $3`, stateStored, from, limit-len(rows))
	return append(rows, more...), err
}
