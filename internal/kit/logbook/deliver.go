package logbook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/members"
	"entrechat/internal/kit/logbook/store"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// Reader is told every verified entry of the types it names, of every log, our own
// among them, in the order of each log and at least once: Read must not mind a
// second time. An error stops that log for that reader until the next delivery.
type Reader struct {
	Name  string // unique, never changes: the place reached is kept under it
	Types []string
	Read  func(ctx context.Context, e format.Entry) error
	// Truncated, when not nil, is told that entries from an index on were taken back
	// after they were read: their key was revoked from there.
	Truncated func(ctx context.Context, log core.MemberID, index int64) error
}

// delivery tells readers what is new.
type delivery struct {
	st     *store.Store
	reg    *members.Registry
	append func(ctx context.Context, typ string, body any) error

	mu   sync.Mutex
	done map[string]int64 // the change up to which a reader was told everything
}

// deliver tells every reader what is new. One log's trouble does not stop another
// log, nor one reader another.
func (d *delivery) deliver(ctx context.Context, readers []Reader) error {
	last, err := store.LastSeq(ctx, d.st.DB)
	if err != nil {
		return err
	}
	var problems error
	quiet := true
	for _, r := range append(slices.Clip(readers), d.ownReader()) {
		if d.delivered(r.Name) == last {
			continue
		}
		quiet = false
		if err := d.deliverTo(ctx, r); err != nil {
			problems = errors.Join(problems, err)
			continue
		}
		d.noteDelivered(r.Name, last)
	}
	if quiet {
		return nil
	}
	if err := d.publishForks(ctx); err != nil {
		d.noteDelivered(ownName, 0) // come back, even if no log changes
		problems = errors.Join(problems, err)
	}
	return problems
}

func (d *delivery) delivered(reader string) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.done[reader]
}

func (d *delivery) noteDelivered(reader string, seq int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done[reader] = seq
}

func (d *delivery) deliverTo(ctx context.Context, r Reader) error {
	seq, err := store.GetReaderSeq(ctx, d.st.DB, r.Name)
	if err != nil {
		return err
	}
	logs, err := store.LogsAfter(ctx, d.st.DB, seq, format.MaxLogs)
	if err != nil || len(logs) == 0 {
		return err
	}
	var problems error
	done := map[core.MemberID]bool{}
	for _, l := range logs {
		if done[l.Member] {
			continue
		}
		done[l.Member] = true
		if err := d.deliverLog(ctx, l.Member, r); err != nil {
			problems = errors.Join(problems, fmt.Errorf("%s reads %s: %w", r.Name, l.Member, err))
		}
	}
	if problems != nil {
		return problems
	}
	return store.PutReaderSeq(ctx, d.st.DB, r.Name, logs[len(logs)-1].Seq)
}

// deliverLog tells a reader what it lacks of one member, epoch after epoch; a gap
// in an earlier one holds the later back.
func (d *delivery) deliverLog(ctx context.Context, id core.MemberID, r Reader) error {
	c, err := d.deliverTruncated(ctx, id, r)
	if err != nil {
		return err
	}
	logs, err := store.LogsOf(ctx, d.st.DB, id)
	if err != nil {
		return err
	}
	for _, l := range logs {
		if c.Next < l.Base {
			return nil
		}
		for c.Next < l.Base+l.Tree.N {
			page, err := d.st.Page(ctx, l, c.Next-l.Base, store.PageSize)
			if err != nil {
				return err
			}
			next, err := deliverPage(ctx, l, page, r)
			if merr := store.MoveCursor(ctx, d.st.DB, store.ReaderOf{Reader: r.Name, Member: id}, c.Next, next); merr != nil || err != nil {
				return errors.Join(err, merr)
			}
			c.Next = next
		}
	}
	return nil
}

// deliverTruncated tells a reader that entries were taken back.
func (d *delivery) deliverTruncated(ctx context.Context, id core.MemberID, r Reader) (store.Cursor, error) {
	c, err := store.GetCursor(ctx, d.st.DB, r.Name, id)
	if err != nil || c.Truncated < 0 {
		return c, err
	}
	if r.Truncated != nil {
		if err := r.Truncated(ctx, id, c.Truncated); err != nil {
			return c, err
		}
	}
	return c, store.ClearTruncated(ctx, d.st.DB, r.Name, id, c.Truncated)
}

// deliverPage hands a page to a reader and answers the index to go on from.
func deliverPage(ctx context.Context, l store.LogRow, page []store.LeafRow, r Reader) (int64, error) {
	for _, s := range page {
		if !slices.Contains(r.Types, s.Typ) {
			continue
		}
		e, err := format.ParseLeaf(l.Member, l.Base+s.Index, s.Data)
		if err != nil {
			continue // its bytes are in the tree, its meaning is nobody's
		}
		if err := r.Read(ctx, e); err != nil {
			return e.Index, err
		}
	}
	return l.Base + page[len(page)-1].Index + 1, nil
}

// ownName is the kit's own reader.
const ownName = "logbook"

// ownReader learns key sets and fork proofs that members logged.
func (d *delivery) ownReader() Reader {
	return Reader{Name: ownName, Types: []string{format.TypKeySet, format.TypFork}, Read: func(ctx context.Context, e format.Entry) error {
		if e.Typ == format.TypKeySet {
			var doc seal.Envelope
			err := wire.Decode(e.Body, &doc)
			if err == nil {
				err = d.reg.Learn(ctx, e.Log, doc)
			}
			return ignoreForeign(err)
		}
		f, err := format.DecodeFork(e.Body)
		if err == nil {
			err = d.reg.RecordFork(ctx, f)
		}
		return ignoreForeign(err)
	}}
}

// ignoreForeign passes over what a stranger got wrong; it must not stop its log.
func ignoreForeign(err error) error {
	switch core.CodeOf(err) { //nolint:exhaustive // the rest is ours to know
	case core.CodeInvalid, core.CodeDenied, core.CodeNotFound, core.CodeConflict:
		return nil
	}
	return err
}

// publishForks writes proofs we hold into our own log, once each, so that everybody
// who mirrors us learns. It waits while we may not append.
func (d *delivery) publishForks(ctx context.Context) error {
	all, err := store.AllForks(ctx, d.st.DB)
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.Published || k.Member == d.st.Self() {
			continue
		}
		f, err := format.DecodeFork(k.Proof)
		if err != nil {
			return store.Damaged(string(k.Member), err)
		}
		if err := d.append(ctx, format.TypFork, f); err != nil {
			return fmt.Errorf("tell others of a fork: %w", err)
		}
		if err := store.MarkPublished(ctx, d.st.DB, k.Member); err != nil {
			return err
		}
	}
	return nil
}
