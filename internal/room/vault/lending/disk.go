package lending

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/shard"
)

// disk has the shards, one file each: the truth, of which the records are quota and list. Safe for concurrent use.
type disk struct {
	dir   *blob.Dir
	opens func(name string) (blob.File, error) // nil = dir does
	me    core.MemberID
	floor core.Size
	now   func() time.Time

	reserved atomic.Int64 // bytes of the disk that uploads under way will take
}

// fileOf is where a shard lies under the store's folder.
func fileOf(r holder.Ref) string {
	name := r.Name()
	return r.Owner.Hash() + "/" + name[:2] + "/" + name
}

// ready says whether the store is there. Nothing is answered about shards while it is
// not: neither that they are here, nor that they are gone. Returns CodeUnsure
// (vault.store_away).
func (d *disk) ready() error {
	if err := d.dir.Check(); err != nil {
		// Where it lies is for our own doctor to say, not for others.
		return core.Unsure("vault.store_away", errors.New("the store is away")).With("Member", d.me)
	}
	return nil
}

// open opens a file of the store for reading.
func (d *disk) open(name string) (blob.File, error) {
	if d.opens != nil {
		return d.opens(name)
	}
	f, err := d.dir.Open(name)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// openShard opens a shard file and reads its head. Returns CodeNotFound
// (vault.no_shard), CodeInvalid for a file that is none.
func (d *disk) openShard(name string) (blob.File, shard.Head, error) {
	f, err := d.open(name)
	if errors.Is(err, fs.ErrNotExist) || core.CodeOf(err) == core.CodeNotFound {
		return nil, shard.Head{}, core.NotFound("vault.no_shard", fmt.Errorf("no shard %s", name))
	}
	if err != nil {
		return nil, shard.Head{}, fmt.Errorf("open shard: %w", err)
	}
	head, err := shard.Read(f)
	if err == nil && fileOf(holder.RefOf(head.Header)) != name {
		err = core.Invalid("vault.bad_shard", fmt.Errorf("%s holds %s of %s", name, head.Name(), head.Owner))
	}
	if err != nil {
		return nil, shard.Head{}, errors.Join(err, f.Close())
	}
	return f, head, nil
}

// verify reads a shard file whole, and answers its head and subtrees. Returns
// CodeInvalid when the data is not what its head says.
func (d *disk) verify(name string) (shard.Head, []byte, error) {
	f, head, err := d.openShard(name)
	if err != nil {
		return shard.Head{}, nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	if _, err := f.Seek(head.Size(), io.SeekStart); err != nil {
		return shard.Head{}, nil, fmt.Errorf("seek in %s: %w", name, err)
	}
	hasher := &holder.TreeHasher{}
	if _, err := io.Copy(hasher, f); err != nil {
		return shard.Head{}, nil, fmt.Errorf("read %s: %w", name, err)
	}
	root, trees := hasher.Sum()
	if root != head.Root {
		return head, nil, core.Invalid("vault.shard_broken", fmt.Errorf("%s is not what its head says", name))
	}
	return head, trees.Encode(), nil
}

// has says whether a shard's file is on the disk in its whole length, and may be read.
func (d *disk) has(r row) (bool, error) {
	f, err := d.dir.Open(fileOf(r.ref()))
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	return err == nil && info.Size() == int64(len(r.head))+r.length, err
}

// discard moves a file to the trash; one that is not there is well.
func (d *disk) discard(name string) error {
	day := d.now().UTC().Format(time.DateOnly)
	err := d.dir.Move(name, trash+"/"+day+"/"+strings.ReplaceAll(name, "/", "-"))
	if core.CodeOf(err) == core.CodeFull {
		// No room for a folder of the trash: what has to go must make room.
		err = d.dir.Remove(name)
	}
	if errors.Is(err, fs.ErrNotExist) || core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	if err != nil {
		return fmt.Errorf("discard %s: %w", name, err)
	}
	return nil
}

func (d *disk) emptyTrash(ctx context.Context) error {
	oldest := d.now().UTC().Add(-trashTime).Format(time.DateOnly)
	var old []string
	err := d.dir.Walk(trash, func(name string) error {
		if day := path.Base(path.Dir(name)); day < oldest {
			old = append(old, name)
		}
		if len(old) >= freedAtOnce {
			return fs.SkipAll
		}
		return ctx.Err()
	})
	if errors.Is(err, fs.SkipAll) {
		err = nil
	}
	// One file that cannot go must not keep the others.
	for _, name := range old {
		err = errors.Join(err, d.dir.Remove(name))
	}
	if err != nil {
		return fmt.Errorf("empty the trash: %w", err)
	}
	return nil
}

// noRoom gives a full disk its name, wherever it showed.
func (d *disk) noRoom(err error) error {
	if db.IsFull(err) || core.CodeOf(err) == core.CodeFull {
		return core.Full("vault.disk_full", err).With("Member", d.me)
	}
	return err
}

func (d *disk) tryWrite(ctx context.Context) error {
	if err := d.dir.Remove(probe); err != nil && core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	if _, err := d.dir.Put(ctx, probe, strings.NewReader("is the disk there?\n")); err != nil {
		return err
	}
	return d.dir.Remove(probe)
}
