package holder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/vault/shard"
)

const (
	// trash is where freed and broken files wait: one more chance against a
	// mistake of ours.
	trash = "trash"
	// trashTime is how long they wait.
	trashTime = 7 * 24 * time.Hour
	// freedAtOnce bounds how many shards one run frees, whatever the tables say.
	freedAtOnce = 500
	// scrubEvery is how often every shard is read from the disk by itself.
	scrubEvery = 30 * 24 * time.Hour
	// missingNamed is how many missing shards one rescan names in the log.
	missingNamed = 20
	// scrubBytes bounds what one run of the scrub reads.
	scrubBytes = 8 << 30
)

// Jobs are the store's periodic work.
func (l *Local) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "vault-rescan", Every: 24 * time.Hour, Jitter: time.Hour, Run: l.Rescan},
		{Name: "vault-free", Every: time.Hour, Jitter: 10 * time.Minute, Later: true, Run: l.Free},
		{Name: "vault-scrub", Every: time.Hour, Jitter: 10 * time.Minute, Later: true, Run: l.Scrub},
	}
}

// Free moves shards deleted for 30 days to the trash, a bounded number a run, and
// empties the trash of what has lain there for a week.
func (l *Local) Free(ctx context.Context) error {
	rows, err := l.store.expired(ctx, l.now().Add(-Retention), freedAtOnce)
	if err != nil {
		return fmt.Errorf("find expired shards: %w", err)
	}
	for _, r := range rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := l.discard(r.ref().file()); err != nil {
			return err
		}
		if err := l.store.drop(ctx, r.ref(), stateLeaving); err != nil {
			return fmt.Errorf("forget %s: %w", r.ref().Name(), err)
		}
	}
	if len(rows) > 0 {
		l.n.Log.Info("deleted shards freed", "shards", len(rows))
	}
	return l.emptyTrash(ctx)
}

// discard moves a file to the trash; one that is not there is well.
func (l *Local) discard(name string) error {
	day := l.n.Now().UTC().Format(time.DateOnly)
	err := l.n.Dir.Move(name, trash+"/"+day+"/"+strings.ReplaceAll(name, "/", "-"))
	if core.CodeOf(err) == core.CodeFull {
		// No room for a folder of the trash: what has to go must make room.
		err = l.n.Dir.Remove(name)
	}
	if errors.Is(err, fs.ErrNotExist) || core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	if err != nil {
		return fmt.Errorf("discard %s: %w", name, err)
	}
	return nil
}

func (l *Local) emptyTrash(ctx context.Context) error {
	oldest := l.n.Now().UTC().Add(-trashTime).Format(time.DateOnly)
	var old []string
	err := l.n.Dir.Walk(trash, func(name string) error {
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
		err = errors.Join(err, l.n.Dir.Remove(name))
	}
	if err != nil {
		return fmt.Errorf("empty the trash: %w", err)
	}
	return nil
}

// Scrub reads what was not read for 30 days, a bounded amount a run, and marks
// what is no longer what its root says. A file that the disk does not read is passed
// over, and given up when it was not read on an earlier run either; a whole batch of them
// is a disk that is away.
func (l *Local) Scrub(ctx context.Context) error {
	unread := map[string]error{} // by file; these stay the first in line
	var again []row              // of them, not read on an earlier run either
	for left := int64(scrubBytes); left > 0 && len(unread) < batch; {
		rows, err := l.store.unchecked(ctx, l.now().Add(-scrubEvery), batch+len(unread))
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(r row) bool { return unread[r.ref().file()] != nil })
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := l.scrub(ctx, r); err != nil {
				unread[r.ref().file()] = err
				again = l.stillUnread(again, r, err)
			}
			left -= r.bytes
		}
	}
	gone, err := l.giveUp(ctx, again)
	if err != nil {
		return err
	}
	for _, file := range gone {
		delete(unread, file)
	}
	return errors.Join(slices.Collect(maps.Values(unread))...)
}

func (l *Local) scrub(ctx context.Context, r row) error {
	err := l.intact(ctx, r)
	switch core.CodeOf(err) {
	case "":
		l.unreads.clear(r.ref().file())
		return l.store.setChecked(ctx, r.ref(), l.now())
	case core.CodeInvalid, core.CodeNotFound:
		return l.markBroken(ctx, r.ref())
	case core.CodeInternal, core.CodeDenied, core.CodeConflict, core.CodeFull, core.CodeUnsure:
	}
	// The disk itself does not answer: no verdict on the shard yet.
	return l.unread(ctx, r.ref(), err)
}

// Rescan makes the tables agree with the files: a file without a row gets one from its
// head, a row without a file goes. A bucket that agrees costs one query and one
// folder; on lost tables every head is read once.
func (l *Local) Rescan(ctx context.Context) error {
	if n, err := l.store.breakUnknown(ctx, l.now()); err != nil || n > 0 {
		l.n.Log.Error("rows of the database were damaged on this disk; their owners send the shards again", "rows", n, "error", err)
	}
	if err := l.store.recount(ctx); err != nil {
		return fmt.Errorf("count what each owner takes: %w", err)
	}
	s := scan{Local: l}
	owners, err := l.store.tenants(ctx)
	if err != nil {
		return fmt.Errorf("list owners: %w", err)
	}
	s.owners = make(map[string]core.MemberID, len(owners))
	for _, o := range owners {
		s.owners[o.Hash()] = o
	}
	for hash := range s.owners {
		if err := s.owner(ctx, hash); err != nil {
			return err
		}
	}
	return s.unknownOwners(ctx)
}

// scan is one run of Rescan.
type scan struct {
	*Local
	owners  map[string]core.MemberID // by the hash that names their folder
	found   int
	missing int

	unreadable []error
}

// hexDigits are the first digits of a bucket's name.
const hexDigits = "0123456789abcdef"

// owner compares the 256 buckets of a known owner.
func (s *scan) owner(ctx context.Context, hash string) error {
	for _, a := range hexDigits {
		for _, b := range hexDigits {
			if err := s.bucket(ctx, hash, string(a)+string(b)); err != nil {
				return err
			}
		}
	}
	return nil
}

// unread notes what cannot be read and lets the scan go on: one file of another user, or on
// bad sectors, must not keep the others from being looked at. What ends it comes back.
func (s *scan) unread(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || s.n.Dir.Check() != nil || len(s.unreadable) == missingNamed {
		return errors.Join(err, ctx.Err())
	}
	s.unreadable = append(s.unreadable, err)
	return nil
}

func (s *scan) bucket(ctx context.Context, hash, prefix string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	rows, err := s.store.names(ctx, s.owners[hash], prefix)
	if err != nil {
		return fmt.Errorf("names of %s: %w", s.owners[hash], err)
	}
	err = s.n.Dir.Walk(hash+"/"+prefix, func(name string) error {
		if _, ok := rows[path.Base(name)]; ok {
			delete(rows, path.Base(name))
			return nil
		}
		return s.unread(ctx, s.adopt(ctx, name))
	})
	if err != nil {
		return s.unread(ctx, fmt.Errorf("walk %s: %w", prefix, err))
	}
	for _, k := range rows {
		if err := s.unread(ctx, s.lost(ctx, k)); err != nil {
			return err
		}
	}
	return nil
}

// adopt gives a file its row back. A file that is no shard is left alone.
func (s *scan) adopt(ctx context.Context, name string) error {
	f, head, err := s.openFile(name)
	if code := core.CodeOf(err); code == core.CodeInvalid || code == core.CodeNotFound {
		s.n.Log.Warn("not a shard in the store", "file", name, "error", err)
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
	s.found++
	// Neither promise nor deletion is known: kept without an end, checked soon.
	return s.store.adopt(ctx, rowOf(head, state, core.At(info.ModTime())))
}

// lost is a row without a file. Uploads under way have none yet.
func (s *scan) lost(ctx context.Context, k known) error {
	if k.state == stateReserved {
		return nil
	}
	// Looked at again: it may have come or gone since the row was read. What cannot be
	// looked at is not gone.
	if _, err := s.n.Dir.Stat(k.ref.file()); core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	s.missing++
	if s.missing <= missingNamed {
		s.n.Log.Error("a shard is gone from this disk", "owner", k.ref.Owner, "shard", k.ref.Name())
	}
	return s.store.drop(ctx, k.ref, k.state)
}

// unknownOwners adopts the files of owners that have no row at all.
func (s *scan) unknownOwners(ctx context.Context) error {
	err := s.n.Dir.Walk("", func(name string) error {
		hash, _, _ := strings.Cut(name, "/")
		if _, known := s.owners[hash]; known || hash == trash || len(hash) != 2*len(shard.Hash{}) {
			return ctx.Err()
		}
		return s.unread(ctx, s.adopt(ctx, name))
	})
	if err != nil {
		return fmt.Errorf("walk the store: %w", err)
	}
	if s.found > 0 || s.missing > 0 {
		s.n.Log.Warn("tables made again from the files", "found", s.found, "missing", s.missing)
	}
	return errors.Join(s.unreadable...)
}
