package lending

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/room/vault/holder"
)

const (
	// unreadFor is the least time between two tries to read a file before its shard is
	// taken for gone: a cable, or a share on the network, may be back by then.
	unreadFor = 10 * time.Minute
	// witnessShards is how many shards are read to see whether the disk answers as a whole.
	witnessShards = 9
	// probe is a file that is written for the same.
	probe = trash + "/probe"
)

// unreads are the files that the disk did not give, since when. After a restart they are
// found anew.
type unreads struct {
	mu    sync.Mutex
	since map[string]core.Moment
}

// note takes a file down; false when it was there already.
func (d *unreads) note(file string, now core.Moment) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.since[file]; known {
		return false
	}
	d.since[file] = now
	return true
}

// old says whether a file was taken down at a moment or before.
func (d *unreads) old(file string, by core.Moment) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	since, known := d.since[file]
	return known && since <= by
}

func (d *unreads) clear(file string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.since, file)
}

// unread deals with an error of reading a shard's file. One that the disk does not give is
// looked at again by the next scrub. Answers the error, or CodeNotFound (vault.shard_broken)
// for a shard that was given up before.
func (s *Store) unread(ctx context.Context, ref holder.Ref, err error) error {
	if !blob.Unreadable(err) {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	r, rowErr := find(ctx, s.records.db, ref)
	switch {
	case rowErr != nil:
		return err
	case r.state == stateBroken:
		return broken(ref)
	case r.state != stateStored || !s.unreads.note(fileOf(ref), s.now()):
		return err
	}
	s.n.Log.Error("the disk does not read a shard", "owner", ref.Owner, "shard", ref.Name(), "error", err)
	return errors.Join(err, s.records.setChecked(ctx, ref, 0))
}

// stillUnread adds a row to those whose file was not read long enough ago either.
func (s *Store) stillUnread(to []row, r row, err error) []row {
	if blob.Unreadable(err) && s.unreads.old(fileOf(r.ref()), s.now().Add(-unreadFor)) {
		return append(to, r)
	}
	return to
}

// giveUp marks as broken the shards that the disk did not read on two runs, when it reads and
// writes all else, and answers whose they were. While it does not, nothing is said of
// any: a whole disk that is away comes back.
func (s *Store) giveUp(ctx context.Context, rows []row) (gone []string, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	if err := s.diskAnswers(ctx); err != nil {
		s.n.Log.Warn("no verdict on shards that cannot be read: the disk does not answer as a whole", "shards", len(rows), "error", err)
		return nil, nil
	}
	for _, r := range rows {
		// Once more, now that it answers: it may have been away until a moment ago.
		if !blob.Unreadable(s.intact(ctx, r)) {
			continue
		}
		if err := s.markBroken(ctx, r.ref()); err != nil {
			return gone, err
		}
		gone = append(gone, fileOf(r.ref()))
	}
	return gone, nil
}

// diskAnswers says whether the disk is there: it takes a file to its platters, and gives
// back whole at least half of some shards, those in doubt among them.
func (s *Store) diskAnswers(ctx context.Context) error {
	if err := s.disk.ready(); err != nil {
		return err
	}
	// What was read a moment ago comes out of memory, even of a disk that was pulled out.
	if err := s.disk.tryWrite(ctx); err != nil && core.CodeOf(err) != core.CodeFull {
		return err
	}
	var from [4]byte
	_, _ = rand.Read(from[:]) // never fails, says crypto/rand
	rows, err := s.records.sample(ctx, hex.EncodeToString(from[:]), witnessShards)
	if err != nil {
		return err
	}
	well := 0
	for _, r := range rows {
		if s.intact(ctx, r) == nil {
			well++
		}
	}
	if well == 0 || 2*well < len(rows) {
		return fmt.Errorf("%d of %d shards can be read", well, len(rows))
	}
	return ctx.Err()
}
