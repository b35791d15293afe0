package logbook

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// What an offer can turn out to be, besides taken or broken.
var (
	// errConflict: the head is validly signed and cannot be true beside what we
	// hold; whoever met it builds the proof.
	errConflict = errors.New("head contradicts the log we hold")
	// errMismatch: the entries are not those the head is over. Whether the author
	// forked or the one who served them lied is not known yet.
	errMismatch = errors.New("entries do not lead to the head")
	// errSuspended: the member forked; nothing of it is taken until people decide.
	errSuspended = errors.New("member is suspended")
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
	st       *Store
	reg      *Registry
	author   *Author
	remote   *Remote
	contacts *Contacts
	tuning   Tuning
	room     func() error // nil = the disk always has room

	mu      sync.Mutex
	refused map[string]refusal // logs that have no room here, by origin
}

// accept verifies an offer and stores it, in one transaction that is on the disk
// when take returns. It answers the log as it is then held. Returns errConflict,
// errMismatch, errSuspended, CodeConflict (logbook.gap) when entries are missing,
// CodeDenied when no key of the member signed the head, CodeFull when the member
// fills our disk.
func (mr *Mirror) accept(ctx context.Context, o offer) (logRow, error) {
	var l logRow
	changed := false
	err := mr.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		changed = false
		m, err := getMember(ctx, q, o.member)
		if err != nil {
			return err
		}
		if m.forked != 0 {
			return errSuspended
		}
		keys, err := m.keySet()
		if err != nil {
			return err
		}
		h, err := openHead(keys, o.epoch, o.note)
		if err != nil {
			return err
		}
		if l, err = getLog(ctx, q, o.member, o.epoch); err != nil {
			return err
		}
		if _, closed := keys.closed(o.epoch); closed {
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
	member memberRow
	log    logRow // as it becomes
	head   head   // verified
	offer  offer
}

// store stores what a verified head adds to the log, and says whether it did.
func (s *step) store(ctx context.Context) (bool, error) {
	now := s.m.st.Now()
	v, err := s.log.view().compare(s.head, func(size int64) (tlog.Hash, error) { return rootAt(ctx, s.q, s.log, size) })
	if err != nil {
		return false, err
	}
	switch v {
	case older:
		return false, nil
	case conflict:
		if s.log.note != nil {
			return false, errConflict
		}
		// What we hold lost its last witness with a revoked key: begin again.
		return true, s.restart(ctx)
	case longer:
		if err := s.extend(ctx); err != nil {
			return false, err
		}
	case refreshed:
	}
	if s.offer.part.N == 0 {
		s.log.note, s.log.signed = s.head.note, s.head.signed
		s.log.heard = max(s.log.heard, heardAt(s.head.signed, now))
		if s.log.cosig, err = cosign(s.m.st.Signer, s.log.head(), now); err != nil {
			return false, err
		}
	}
	return true, putLog(ctx, s.q, s.log)
}

// restart empties a log whose entries nothing vouches for; the next pull
// fetches it from the start.
func (s *step) restart(ctx context.Context) error {
	var err error
	if s.log, err = truncate(ctx, s.q, s.log, 0, s.m.st.Now()); err != nil {
		return err
	}
	if err := cutCursors(ctx, s.q, s.log.member, s.log.base); err != nil {
		return err
	}
	return putLog(ctx, s.q, s.log)
}

// extend adds the offer's entries to the log if they lead to the tree they should.
func (s *step) extend(ctx context.Context) error {
	l, o, want := &s.log, s.offer, s.head.tree
	if o.part.N != 0 {
		want = o.part
	}
	if want.N <= l.tree.N {
		return nil // another pull has stored this piece meanwhile
	}
	end := o.from + int64(len(o.entries))
	if o.from > l.tree.N || end < want.N {
		return core.Conflict("logbook.gap", fmt.Errorf("log %s: hold %d, want %d, offered [%d, %d)", l.origin, l.tree.N, want.N, o.from, end)).
			With("Member", l.member)
	}
	leaves := o.entries[l.tree.N-o.from : want.N-o.from]
	rows, size, err := s.m.readLeaves(*l, leaves)
	if err != nil {
		return err
	}
	if err := s.room(ctx, size+int64(len(rows))*rowBytes); err != nil {
		return err
	}
	g, err := grow(ctx, s.q, l.origin, l.tree, leaves)
	if err != nil {
		return err
	}
	if g.tree != want {
		return errMismatch
	}
	// Only now are these leaves the author's word, and not that of whoever served them.
	if err := s.checkForm(rows); err != nil {
		return err
	}
	if err := putEntries(ctx, s.q, l.origin, rows); err != nil {
		return err
	}
	if err := putTiles(ctx, s.q, l.origin, g); err != nil {
		return err
	}
	l.tree, l.bytes = g.tree, l.bytes+size
	if o.part.N != 0 {
		l.note, l.cosig = nil, ""
	}
	return nil
}

// room returns nil when we keep so many bytes more of the member. Our own log always
// has room. Returns CodeFull.
func (s *step) room(ctx context.Context, size int64) error {
	if s.log.member == s.m.st.Self() {
		return nil
	}
	held, err := memberBytes(ctx, s.q, s.log.member)
	if err != nil {
		return err
	}
	if most := s.m.quota(s.member.followed); held+size > most {
		return core.Full("logbook.too_much", fmt.Errorf("%s: %d bytes and %d more, at most %d", s.log.member, held, size, most)).
			With("Member", s.log.member)
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
func (s *step) checkForm(rows []stored) error {
	if s.log.member == s.m.st.Self() {
		return nil
	}
	for _, row := range rows {
		if row.typ == "" && !hasEntryForm(s.log.member, row.data) {
			return core.Full("logbook.no_entry_form", fmt.Errorf("leaf %d of %s is no entry", row.index, s.log.origin)).
				With("Member", s.log.member).With("Entry", s.log.base+row.index)
		}
	}
	return nil
}

// refusalOf returns why a log was not taken a moment ago, nil when it may be asked
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
	if len(mr.refused) < maxLogs {
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
func (mr *Mirror) readLeaves(l logRow, leaves [][]byte) (rows []stored, size int64, err error) {
	for i, data := range leaves {
		index := l.tree.N + int64(i)
		if len(data) > MaxEntry {
			return nil, 0, core.Invalid("logbook.bad_entry", fmt.Errorf("entry %d of %s has %d bytes", index, l.origin, len(data)))
		}
		row := stored{index: index, data: data, received: mr.st.Now()}
		if e, err := parseLeaf(l.member, l.base+index, data); err == nil {
			row.typ = e.Typ
		}
		rows, size = append(rows, row), size+int64(len(data))
	}
	return rows, size, nil
}

// acceptClosed stores entries of a log that the member closed: its key set says
// where it ends and with which root, so no head is needed.
func (mr *Mirror) acceptClosed(ctx context.Context, o offer) error {
	err := mr.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := getMember(ctx, q, o.member)
		if err != nil {
			return err
		}
		keys, err := m.keySet()
		if err != nil {
			return err
		}
		end, ok := keys.closed(o.epoch)
		if !ok {
			return core.Conflict("logbook.gap", fmt.Errorf("epoch %d of %s is not closed", o.epoch, o.member)).With("Member", o.member)
		}
		l, err := getLog(ctx, q, o.member, o.epoch)
		if err != nil || l.tree.N >= end.N {
			return err
		}
		s := step{m: mr, q: q, member: m, log: l, head: head{tree: end}, offer: o}
		err = s.extend(ctx)
		if errors.Is(err, errMismatch) && l.tree.N > 0 {
			return s.restart(ctx)
		}
		if err != nil {
			return err
		}
		s.log.note = nil
		return putLog(ctx, q, s.log)
	})
	if err == nil {
		mr.st.Wake()
	}
	return err
}
