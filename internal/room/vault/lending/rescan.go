package lending

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/shard"
)

// Rescan makes the tables agree with the files: a file without a row gets one from its
// head, a row without a file goes. A bucket that agrees costs one query and one
// folder; on lost tables every head is read once.
func (s *Store) Rescan(ctx context.Context) error {
	if n, err := s.records.breakUnknown(ctx, s.now()); err != nil || n > 0 {
		s.n.Log.Error("rows of the database were damaged on this disk; their owners send the shards again", "rows", n, "error", err)
	}
	if err := s.records.recount(ctx); err != nil {
		return fmt.Errorf("count what each owner takes: %w", err)
	}
	c := scan{Store: s}
	owners, err := s.records.tenants(ctx)
	if err != nil {
		return fmt.Errorf("list owners: %w", err)
	}
	c.owners = make(map[string]core.MemberID, len(owners))
	for _, o := range owners {
		c.owners[o.Hash()] = o
	}
	for hash := range c.owners {
		if err := c.owner(ctx, hash); err != nil {
			return err
		}
	}
	return c.unknownOwners(ctx)
}

// scan is one run of Rescan.
type scan struct {
	*Store
	owners  map[string]core.MemberID // by the hash that names their folder
	found   int
	missing int

	unreadable []error
}

// owner compares the 256 buckets of a known owner.
func (c *scan) owner(ctx context.Context, hash string) error {
	for _, prefix := range holder.Buckets() {
		if err := c.bucket(ctx, hash, prefix); err != nil {
			return err
		}
	}
	return nil
}

// unread notes what cannot be read and lets the scan go on: one file of another user, or on
// bad sectors, must not keep the others from being looked at. What ends it comes back.
func (c *scan) unread(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || c.disk.dir.Check() != nil || len(c.unreadable) == missingNamed {
		return errors.Join(err, ctx.Err())
	}
	c.unreadable = append(c.unreadable, err)
	return nil
}

func (c *scan) bucket(ctx context.Context, hash, prefix string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	rows, err := c.records.names(ctx, c.owners[hash], prefix)
	if err != nil {
		return fmt.Errorf("names of %s: %w", c.owners[hash], err)
	}
	err = c.disk.dir.Walk(hash+"/"+prefix, func(name string) error {
		if _, ok := rows[path.Base(name)]; ok {
			delete(rows, path.Base(name))
			return nil
		}
		return c.unread(ctx, c.adopt(ctx, name))
	})
	if err != nil {
		return c.unread(ctx, fmt.Errorf("walk %s: %w", prefix, err))
	}
	for _, k := range rows {
		if err := c.unread(ctx, c.lost(ctx, k)); err != nil {
			return err
		}
	}
	return nil
}

// adopt gives a file its row back. A file that is no shard is left alone.
func (c *scan) adopt(ctx context.Context, name string) error {
	f, head, err := c.disk.openShard(name)
	if code := core.CodeOf(err); code == core.CodeInvalid || code == core.CodeNotFound {
		c.n.Log.Warn("not a shard in the store", "file", name, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("stat %s: %w", name, err)
	}
	state := stateStored
	if info.Size() != head.Size()+head.Length {
		state = stateBroken
	}
	c.found++
	// Neither promise nor deletion is known: stored without an end, checked soon.
	return c.records.adopt(ctx, rowOf(head, state, core.At(info.ModTime())))
}

// lost is a row without a file. Uploads under way have none yet.
func (c *scan) lost(ctx context.Context, k known) error {
	if k.state == stateReserved {
		return nil
	}
	// Looked at again: it may have come or gone since the row was read. What cannot be
	// looked at is not gone.
	if _, err := c.disk.dir.Stat(fileOf(k.ref)); core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	c.missing++
	if c.missing <= missingNamed {
		c.n.Log.Error("a shard is gone from this disk", "owner", k.ref.Owner, "shard", k.ref.Name())
	}
	return c.records.drop(ctx, k.ref, k.state)
}

// unknownOwners adopts the files of owners that have no row at all.
func (c *scan) unknownOwners(ctx context.Context) error {
	err := c.disk.dir.Walk("", func(name string) error {
		hash, _, _ := strings.Cut(name, "/")
		if _, known := c.owners[hash]; known || hash == trash || len(hash) != 2*len(shard.Hash{}) {
			return ctx.Err()
		}
		return c.unread(ctx, c.adopt(ctx, name))
	})
	if err != nil {
		return fmt.Errorf("walk the store: %w", err)
	}
	if c.found > 0 || c.missing > 0 {
		c.n.Log.Warn("tables made again from the files", "found", c.found, "missing", c.missing)
	}
	return errors.Join(c.unreadable...)
}
