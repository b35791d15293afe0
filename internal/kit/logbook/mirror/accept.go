package mirror

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook/author"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/members"
	"entrechat/internal/kit/logbook/store"
)

// What an offer can turn out to be, besides accepted or broken.
var (
	// ErrConflict: the head is validly signed and cannot be true beside what we
	// hold; whoever met it builds the proof.
	ErrConflict = errors.New("head contradicts the log we hold")
	// ErrMismatch: the entries are not those the head is over. Whether the author
	// forked or the one who served them lied is not known yet.
	ErrMismatch = errors.New("entries do not lead to the head")
	// ErrSuspended: the member forked; nothing of it is accepted until people decide.
	ErrSuspended = errors.New("member is suspended")
)

// How much of one member we keep, over all its epochs and with what is in quarantine:
// a start, and so much more each day. An honest one needs about 12 kB a day.
const (
	startBytes = 64 << 20
	dayBytes   = 8 << 20
	// refusalTime is how long the log of a member that has no room is not asked for.
	refusalTime = 10 * time.Minute
)

// Mirror brings the logs of members here: what they sign is verified, stored and
// cosigned, and two histories of one log are proved.
type Mirror struct {
	st       *store.Store
	reg      *members.Registry
	author   *author.Author
	remote   *Remote
	contacts *Contacts
	tuning   Tuning
	room     func() error // nil = the disk always has room

	mu      sync.Mutex
	refused map[string]refusal // logs that have no room here, by origin
}

// Accept verifies an offer and stores it, in one transaction that is on the disk
// when it returns. It answers the log as it is then stored. Returns ErrConflict,
// ErrMismatch, ErrSuspended, CodeConflict (logbook.gap) when entries are missing,
// CodeDenied when no key of the member signed the head, CodeFull when the member
// fills our disk.
func (mr *Mirror) Accept(ctx context.Context, o format.Offer) (store.LogRow, error) {
	var l store.LogRow
	changed := false
	err := mr.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		changed = false
		m, err := store.GetMember(ctx, q, o.Member)
		if err != nil {
			return err
		}
		if m.Forked != 0 {
			return ErrSuspended
		}
		keys, err := m.KeySet()
		if err != nil {
			return err
		}
		h, err := format.OpenHead(keys, o.Epoch, o.Note)
		if err != nil {
			return err
		}
		if l, err = store.GetLog(ctx, q, o.Member, o.Epoch); err != nil {
			return err
		}
		if _, closed := keys.ClosedTree(o.Epoch); closed {
			return nil // what is good of it the key set says
		}
		s := step{m: mr, q: q, member: m, log: l, head: h, offer: o}
		changed, err = s.store(ctx)
		l = s.log
		return err
	})
	if err != nil {
		return l, err
	}
	if changed {
		mr.st.Wake()
	}
	return l, nil
}

// step is one offer while it is stored, within a transaction.
type step struct {
	m      *Mirror
	q      db.Querier
	member store.MemberRow
	log    store.LogRow // as it becomes
	head   format.Head  // verified
	offer  format.Offer
}

// store stores what a verified head adds to the log, and says whether it did.
func (s *step) store(ctx context.Context) (bool, error) {
	now := s.m.st.Now()
	v, err := s.log.View().Compare(s.head, func(size int64) (tlog.Hash, error) { return store.RootAt(ctx, s.q, s.log, size) })
	if err != nil {
		return false, err
	}
	switch v {
	case format.Older:
		return false, nil
	case format.Conflict:
		if s.log.Note != nil {
			return false, ErrConflict
		}
		// What we hold lost its last witness with a revoked key: begin again.
		return true, s.restart(ctx)
	case format.Longer:
		if err := s.extend(ctx); err != nil {
			return false, err
		}
	case format.Refreshed:
	}
	if s.offer.Part.N == 0 {
		s.log.Note, s.log.Signed = s.head.Note, s.head.Signed
		s.log.Heard = max(s.log.Heard, format.HeardAt(s.head.Signed, now))
		if s.log.Cosig, err = format.Cosign(s.m.st.Signer, s.log.Head(), now); err != nil {
			return false, err
		}
	}
	return true, store.PutLog(ctx, s.q, s.log)
}

// restart empties a log whose entries nothing vouches for; the next pull
// fetches it from the start.
func (s *step) restart(ctx context.Context) error {
	var err error
	if s.log, err = store.Truncate(ctx, s.q, s.log, 0, s.m.st.Now()); err != nil {
		return err
	}
	if err := store.TruncateCursors(ctx, s.q, s.log.Member, s.log.Base); err != nil {
		return err
	}
	return store.PutLog(ctx, s.q, s.log)
}

// extend adds the offer's entries to the log if they lead to the tree they should.
func (s *step) extend(ctx context.Context) error {
	l, o, want := &s.log, s.offer, s.head.Tree
	if o.Part.N != 0 {
		want = o.Part
	}
	if want.N <= l.Tree.N {
		return nil // another pull has stored this piece meanwhile
	}
	end := o.From + int64(len(o.Entries))
	if o.From > l.Tree.N || end < want.N {
		return core.Conflict("logbook.gap", fmt.Errorf("log %s: hold %d, want %d, offered [%d, %d)", l.Origin, l.Tree.N, want.N, o.From, end)).
			With("Member", l.Member)
	}
	leaves := o.Entries[l.Tree.N-o.From : want.N-o.From]
	rows, size, err := s.m.readLeaves(*l, leaves)
	if err != nil {
		return err
	}
	if err := s.room(ctx, size+int64(len(rows))*store.RowBytes); err != nil {
		return err
	}
	g, err := store.Grow(ctx, s.q, l.Origin, l.Tree, leaves)
	if err != nil {
		return err
	}
	if g.Tree != want {
		return ErrMismatch
	}
	// Only now are these leaves the author's word, and not that of whoever served them.
	if err := s.checkForm(rows); err != nil {
		return err
	}
	if err := store.PutEntries(ctx, s.q, l.Origin, rows); err != nil {
		return err
	}
	if err := store.PutTiles(ctx, s.q, l.Origin, g); err != nil {
		return err
	}
	l.Tree, l.Bytes = g.Tree, l.Bytes+size
	if o.Part.N != 0 {
		l.Note, l.Cosig = nil, ""
	}
	return nil
}

// room returns nil when we keep so many bytes more of the member. Our own log always
// has room. Returns CodeFull.
func (s *step) room(ctx context.Context, size int64) error {
	if s.log.Member == s.m.st.Self() {
		return nil
	}
	held, err := store.MemberBytes(ctx, s.q, s.log.Member)
	if err != nil {
		return err
	}
	if most := s.m.quota(s.member.Followed); held+size > most {
		return core.Full("logbook.too_much", fmt.Errorf("%s: %d bytes and %d more, at most %d", s.log.Member, held, size, most)).
			With("Member", s.log.Member)
	}
	if s.m.room == nil {
		return nil
	}
	return s.m.room()
}

// quota is how many bytes we keep of a member followed since then.
func (mr *Mirror) quota(followed core.Moment) int64 {
	days := max(0, int64(mr.st.Now().Sub(followed)/(24*time.Hour)))
	return mr.tuning.Start + days*dayBytes
}

// checkForm returns nil when each leaf has the form of an entry of its author: what
// can be read of it may be for a later program. Anything else only fills disks, and a
// log with such a leaf is not mirrored from there on. Returns CodeFull.
func (s *step) checkForm(rows []store.LeafRow) error {
	if s.log.Member == s.m.st.Self() {
		return nil
	}
	for _, row := range rows {
		if row.Typ == "" && !format.HasEntryForm(s.log.Member, row.Data) {
			return core.Full("logbook.no_entry_form", fmt.Errorf("leaf %d of %s is no entry", row.Index, s.log.Origin)).
				With("Member", s.log.Member).With("Entry", s.log.Base+row.Index)
		}
	}
	return nil
}

// refusalOf returns why a log was not accepted a moment ago, nil when it may be asked
// for.
func (mr *Mirror) refusalOf(origin string) error {
	mr.mu.Lock()
	defer mr.mu.Unlock()
	if r := mr.refused[origin]; r.until > mr.st.Now() {
		return r.why
	}
	delete(mr.refused, origin)
	return nil
}

// recordRefusal remembers that a log has no room here. It returns err.
func (mr *Mirror) recordRefusal(origin string, err error) error {
	if core.CodeOf(err) != core.CodeFull {
		return err
	}
	mr.mu.Lock()
	defer mr.mu.Unlock()
	if len(mr.refused) < format.MaxLogs {
		mr.refused[origin] = refusal{mr.st.Now().Add(refusalTime), err}
	}
	mr.st.Log.Warn("a log is not mirrored further", "log", origin, "error", err)
	return err
}

// refusal is why a log is not asked for, and until when.
type refusal struct {
	until core.Moment
	why   error
}

// readLeaves prepares leaves for storing, with the type of those that can be read.
func (mr *Mirror) readLeaves(l store.LogRow, leaves [][]byte) (rows []store.LeafRow, size int64, err error) {
	for i, data := range leaves {
		index := l.Tree.N + int64(i)
		if len(data) > format.MaxEntry {
			return nil, 0, core.Invalid("logbook.bad_entry", fmt.Errorf("entry %d of %s has %d bytes", index, l.Origin, len(data)))
		}
		row := store.LeafRow{Index: index, Data: data, Received: mr.st.Now()}
		if e, err := format.ParseLeaf(l.Member, l.Base+index, data); err == nil {
			row.Typ = e.Typ
		}
		rows, size = append(rows, row), size+int64(len(data))
	}
	return rows, size, nil
}

// acceptClosed stores entries of a log that the member closed: its key set says
// where it ends and with which root, so no head is needed.
func (mr *Mirror) acceptClosed(ctx context.Context, o format.Offer) error {
	err := mr.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := store.GetMember(ctx, q, o.Member)
		if err != nil {
			return err
		}
		keys, err := m.KeySet()
		if err != nil {
			return err
		}
		end, ok := keys.ClosedTree(o.Epoch)
		if !ok {
			return core.Conflict("logbook.gap", fmt.Errorf("epoch %d of %s is not closed", o.Epoch, o.Member)).With("Member", o.Member)
		}
		l, err := store.GetLog(ctx, q, o.Member, o.Epoch)
		if err != nil || l.Tree.N >= end.N {
			return err
		}
		s := step{m: mr, q: q, member: m, log: l, head: format.Head{Tree: end}, offer: o}
		err = s.extend(ctx)
		if errors.Is(err, ErrMismatch) && l.Tree.N > 0 {
			return s.restart(ctx)
		}
		if err != nil {
			return err
		}
		s.log.Note = nil
		return store.PutLog(ctx, q, s.log)
	})
	if err == nil {
		mr.st.Wake()
	}
	return err
}
