package recovery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/encoding"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/shard"
)

// CheckRows deals with the rows that a disk changed. That of a file which lies here is
// made again from the file; any other is taken out, to be taken in again from the
// members' lists. Older rows are given their check sum.
func (r *Disk) CheckRows(ctx context.Context) error {
	odd, err := r.store.Rows.Odd(ctx)
	if err != nil {
		return err
	}
	var fix []catalogue.OddRow
	for _, row := range odd {
		settled := false
		if row.Stored != "" {
			if settled, err = r.settleRow(ctx, row); err != nil {
				return err
			}
		}
		if !settled {
			fix = append(fix, row)
		}
	}
	for batch := range slices.Chunk(fix, writeBatch) {
		err := r.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			for _, row := range batch {
				if err := r.store.Rows.Fix(ctx, q, row); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// settleRow deals with a row that a disk changed; false when it is to be taken out.
func (r *Disk) settleRow(ctx context.Context, row catalogue.OddRow) (bool, error) {
	if again, err := r.rebuildRow(ctx, row); err != nil || again {
		return again, err
	}
	r.n.Log.Error("this disk changed a row of the database; the members are asked for it", "table", row.Table, "object", row.Object)
	if err := r.store.Notes.Set(ctx, NoteBehind, BehindRows); err != nil {
		return false, err
	}
	return r.rowLost(ctx, row)
}

// rowLost keeps the row of a file that neither this disk nor the members can give back:
// what rests on it must not be taken. One of a repository that is not known is not kept.
func (r *Disk) rowLost(ctx context.Context, row catalogue.OddRow) (bool, error) {
	id, err := shard.ParseHash(row.Object)
	if !row.Pending || err != nil {
		return false, nil //nolint:nilerr // no hash: what it was cannot be said
	}
	_, err = r.store.Repos.Get(ctx, row.Was.Repo)
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	all, err := r.store.Placements.Of(ctx, id)
	if err != nil {
		return false, err
	}
	for _, p := range all {
		if p.State == catalogue.Stored {
			return false, nil
		}
	}
	return true, errors.Join(r.store.Rows.Rewrite(ctx, r.n.DB, row, row.Was), r.store.Objects.Lose(ctx, id, core.At(r.n.Now())))
}

// rebuildRow makes the row of an object again from the sealed file on this disk; false
// when there is none, or it cannot be opened.
func (r *Disk) rebuildRow(ctx context.Context, row catalogue.OddRow) (bool, error) {
	if row.Local == "" {
		return false, nil
	}
	o, err := r.rowOfFile(row)
	if err != nil {
		r.n.Log.Warn("the file of a changed row cannot be read", "file", row.Local, "error", err)
		return false, nil
	}
	repos, err := r.store.Repos.All(ctx)
	if err != nil {
		return false, err
	}
	o, ok := row.Original(o, repos)
	if !ok {
		return false, nil
	}
	err = r.store.Rows.Rewrite(ctx, r.n.DB, row, o)
	if core.CodeOf(err) == core.CodeConflict {
		return false, nil // the same file came again meanwhile
	}
	if err == nil {
		r.n.Log.Warn("this disk changed a row of the database; it was made again from the file", "object", o.Object)
	}
	return err == nil, err
}

// rowOfFile reads from a sealed file what a row says of it: hash, lengths, and the plain
// hash as its name.
func (r *Disk) rowOfFile(row catalogue.OddRow) (o catalogue.ObjectRow, err error) {
	info, err := r.n.Local.Stat(row.Local)
	if err != nil {
		return o, err
	}
	f, err := r.n.Local.Open(row.Local)
	if err != nil {
		return o, err
	}
	defer f.Close() //nolint:errcheck // only read
	id, err := encoding.ObjectID(f, info.Size())
	if err != nil {
		return o, err
	}
	identities, err := r.keyring.LabelKeys()
	if err != nil {
		return o, err
	}
	plain, size, err := age.DecryptReaderAt(f, info.Size(), identities)
	if err != nil {
		return o, fmt.Errorf("open sealed file: %w", err)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(plain, 0, size)); err != nil {
		return o, fmt.Errorf("read sealed file: %w", err)
	}
	return catalogue.ObjectRow{Object: id.String(), Name: hex.EncodeToString(sum.Sum(nil)), Size: size, Sealed: info.Size()}, nil
}

// Find finds the file of an object under any name in the local store: the row's own name for
// it may have changed. Empty when it is not there; an error when it was not found and
// something that this user may not read may be it.
func (r *Disk) Find(o catalogue.Object) (name string, err error) {
	var barred error
	err = r.n.Local.Walk("", func(at string) error {
		info, err := r.n.Local.Stat(at)
		if err != nil || info.Size() != o.Sealed {
			return local.Removed(err)
		}
		f, err := r.n.Local.Open(at)
		if err != nil {
			barred = errors.Join(barred, local.Removed(err))
			return nil
		}
		defer f.Close() //nolint:errcheck // only read
		if id, err := encoding.ObjectID(f, o.Sealed); err == nil && id == o.ID {
			name = at
			return fs.SkipAll
		}
		return nil // one that cannot be read is not it
	})
	if name != "" {
		return name, nil
	}
	return "", errors.Join(barred, err)
}
