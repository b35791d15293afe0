package lending

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/vault/holder"
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
func (s *Store) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "vault-rescan", Every: 24 * time.Hour, Jitter: time.Hour, Run: s.Rescan},
		{Name: "vault-free", Every: time.Hour, Jitter: 10 * time.Minute, Later: true, Run: s.Free},
		{Name: "vault-scrub", Every: time.Hour, Jitter: 10 * time.Minute, Later: true, Run: s.Scrub},
	}
}

// Free moves shards deleted for 30 days to the trash, a bounded number a run, and
// empties the trash of what has lain there for a week.
func (s *Store) Free(ctx context.Context) error {
	rows, err := s.records.expired(ctx, s.now().Add(-holder.Retention), freedAtOnce)
	if err != nil {
		return fmt.Errorf("find expired shards: %w", err)
	}
	for _, r := range rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.disk.discard(fileOf(r.ref())); err != nil {
			return err
		}
		if err := s.records.drop(ctx, r.ref(), stateLeaving); err != nil {
			return fmt.Errorf("forget %s: %w", r.ref().Name(), err)
		}
	}
	if len(rows) > 0 {
		s.n.Log.Info("deleted shards freed", "shards", len(rows))
	}
	return s.disk.emptyTrash(ctx)
}

// Scrub reads what was not read for 30 days, a bounded amount a run, and marks
// what is no longer what its root says. A file that the disk does not read is passed
// over, and given up when it was not read on an earlier run either; a whole batch of them
// is a disk that is away.
func (s *Store) Scrub(ctx context.Context) error {
	unread := map[string]error{} // by file; these stay the first in line
	var again []row              // of them, not read on an earlier run either
	for left := int64(scrubBytes); left > 0 && len(unread) < batch; {
		rows, err := s.records.unchecked(ctx, s.now().Add(-scrubEvery), batch+len(unread))
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(r row) bool { return unread[fileOf(r.ref())] != nil })
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := s.scrub(ctx, r); err != nil {
				unread[fileOf(r.ref())] = err
				again = s.stillUnread(again, r, err)
			}
			left -= r.bytes
		}
	}
	gone, err := s.giveUp(ctx, again)
	if err != nil {
		return err
	}
	for _, file := range gone {
		delete(unread, file)
	}
	return errors.Join(slices.Collect(maps.Values(unread))...)
}

func (s *Store) scrub(ctx context.Context, r row) error {
	err := s.intact(ctx, r)
	switch core.CodeOf(err) {
	case "":
		s.unreads.clear(fileOf(r.ref()))
		return s.records.setChecked(ctx, r.ref(), s.now())
	case core.CodeInvalid, core.CodeNotFound:
		return s.markBroken(ctx, r.ref())
	case core.CodeInternal, core.CodeDenied, core.CodeConflict, core.CodeFull, core.CodeUnsure:
	}
	// The disk itself does not answer: no verdict on the shard yet.
	return s.unread(ctx, r.ref(), err)
}
