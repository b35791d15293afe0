package logbook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wire"
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
	// rowBytes is what an entry costs beside its own bytes, in rows, index and tiles.
	rowBytes = 256
	// refuseFor is how long the log of a member that has no room is not asked for.
	refuseFor = 10 * time.Minute
)

// offer is a head with entries that follow what we hold, from anybody: the
// author's signature is what counts.
type offer struct {
	member  core.MemberID
	epoch   int64
	note    []byte
	from    int64 // leaf index of entries[0]
	entries [][]byte
	// part, when not zero, is a smaller tree that was proved to lead to the head:
	// a long backlog is stored piece by piece.
	part tlog.Tree
}

// take verifies an offer and stores it, in one transaction that is on the disk
// when take returns. It answers the log as it is then held. Returns errConflict,
// errMismatch, errSuspended, CodeConflict (logbook.gap) when entries are missing,
// CodeDenied when no key of the member signed the head, CodeFull when the member
// fills our disk.
func (b *Book) take(ctx context.Context, o offer) (logRow, error) {
	var l logRow
	changed := false
	err := b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
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
		s := step{b: b, q: q, member: m, log: l, head: h, offer: o}
		changed, err = s.accept(ctx)
		l = s.log
		return err
	})
	if err != nil {
		return l, err
	}
	if changed {
		b.wake()
	}
	return l, nil
}

// step is one offer while it is stored, within a transaction.
type step struct {
	b      *Book
	q      db.Querier
	member memberRow
	log    logRow // as it becomes
	head   head   // verified
	offer  offer
}

// accept stores what a verified head adds to the log, and says whether it did.
func (s *step) accept(ctx context.Context) (bool, error) {
	now := s.b.now()
	v, err := s.log.view().offer(s.head, func(size int64) (tlog.Hash, error) { return rootAt(ctx, s.q, s.log, size) })
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
		return true, s.beginAgain(ctx)
	case longer:
		if err := s.extend(ctx); err != nil {
			return false, err
		}
	case refreshed:
	}
	if s.offer.part.N == 0 {
		s.log.note, s.log.signed = s.head.note, s.head.signed
		s.log.heard = max(s.log.heard, heardAt(s.head.signed, now))
		if s.log.cosig, err = cosign(s.b.n.Signer, s.log.head(), now); err != nil {
			return false, err
		}
	}
	return true, putLog(ctx, s.q, s.log)
}

// beginAgain empties a log whose entries nothing vouches for; the next pull
// fetches it from the start.
func (s *step) beginAgain(ctx context.Context) error {
	var err error
	if s.log, err = truncate(ctx, s.q, s.log, 0, s.b.now()); err != nil {
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
	rows, size, err := s.b.readLeaves(*l, leaves)
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
	if err := s.entriesOnly(rows); err != nil {
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
	if s.log.member == s.b.self() {
		return nil
	}
	held, err := chargeOf(ctx, s.q, s.log.member)
	if err != nil {
		return err
	}
	if most := s.b.quota(s.member.followed); held+size > most {
		return core.Full("logbook.too_much", fmt.Errorf("%s: %d bytes and %d more, at most %d", s.log.member, held, size, most)).
			With("Member", s.log.member)
	}
	if s.b.n.Room == nil {
		return nil
	}
	return s.b.n.Room()
}

// quota is how many bytes we keep of a member followed since then.
func (b *Book) quota(followed core.Moment) int64 {
	days := max(0, int64(b.now().Sub(followed)/(24*time.Hour)))
	return b.n.Tuning.orDefault().Start + days*dayBytes
}

// entriesOnly returns nil when each leaf has the form of an entry of its author: what
// can be read of it may be for a later program. Anything else only fills disks, and a
// log with such a leaf is not mirrored from there on. Returns CodeFull.
func (s *step) entriesOnly(rows []stored) error {
	if s.log.member == s.b.self() {
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

// stillRefused returns why a log was not taken a moment ago, nil when it may be asked
// for.
func (b *Book) stillRefused(origin string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.refused[origin]; r.until > b.now() {
		return r.why
	}
	delete(b.refused, origin)
	return nil
}

// keepRefused remembers that a log has no room here. It returns err.
func (b *Book) keepRefused(origin string, err error) error {
	if core.CodeOf(err) != core.CodeFull {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.refused) < maxLogs {
		b.refused[origin] = refusal{b.now().Add(refuseFor), err}
	}
	b.n.Log.Warn("a log is not mirrored further", "log", origin, "error", err)
	return err
}

// refusal is why a log is not asked for, and until when.
type refusal struct {
	until core.Moment
	why   error
}

// readLeaves prepares leaves for storing, with the type of those that can be read.
func (b *Book) readLeaves(l logRow, leaves [][]byte) (rows []stored, size int64, err error) {
	for i, data := range leaves {
		index := l.tree.N + int64(i)
		if len(data) > MaxEntry {
			return nil, 0, core.Invalid("logbook.bad_entry", fmt.Errorf("entry %d of %s has %d bytes", index, l.origin, len(data)))
		}
		row := stored{index: index, data: data, received: b.now()}
		if e, err := parseLeaf(l.member, l.base+index, data); err == nil {
			row.typ = e.Typ
		}
		rows, size = append(rows, row), size+int64(len(data))
	}
	return rows, size, nil
}

// takeClosed stores entries of a log that the member closed: its key set says
// where it ends and with which root, so no head is needed.
func (b *Book) takeClosed(ctx context.Context, o offer) error {
	err := b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
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
		s := step{b: b, q: q, member: m, log: l, head: head{tree: end}, offer: o}
		err = s.extend(ctx)
		if errors.Is(err, errMismatch) && l.tree.N > 0 {
			return s.beginAgain(ctx)
		}
		if err != nil {
			return err
		}
		s.log.note = nil
		return putLog(ctx, q, s.log)
	})
	if err == nil {
		b.wake()
	}
	return err
}

// accuse keeps a fork proof that holds and suspends the member. Against ourselves
// it stops appending: two machines ran with one key. Returns CodeInvalid or
// CodeDenied when nothing is proved, CodeNotFound for a member we do not know.
func (b *Book) accuse(ctx context.Context, f Fork) error {
	proof, err := wire.Encode(f)
	if err != nil {
		return err
	}
	fresh := false
	err = b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		fresh, err = b.convict(ctx, q, f, proof)
		return err
	})
	if err == nil && fresh {
		b.n.Log.Error("a member signed two histories", "member", f.Origin, "epoch", f.Epoch)
		b.wake()
	}
	return err
}

// convict is accuse within a transaction; it says whether the proof is news.
func (b *Book) convict(ctx context.Context, q db.Querier, f Fork, proof []byte) (bool, error) {
	m, err := getMember(ctx, q, f.Origin)
	if err != nil || m.forked != 0 {
		return false, err // one proof is enough
	}
	newest := KeySet{}
	if m.version > 0 {
		if newest, err = m.keySet(); err != nil {
			return false, err
		}
	}
	if err := f.Check(m.root, newest); err != nil {
		return false, err
	}
	fresh, err := putFork(ctx, q, f.Origin, proof, b.now())
	if err != nil || !fresh { // pardoned before
		return false, err
	}
	settled, err := b.settled(ctx, q, f, newest)
	if err != nil {
		return false, err
	}
	if settled {
		_, err := pardonForks(ctx, q, f.Origin, b.now())
		return false, err
	}
	if f.Origin == b.self() {
		if err := putStop(ctx, q, stopFork, "proof met", b.now()); err != nil {
			return false, err
		}
	}
	m.forked = b.now()
	return true, putMember(ctx, q, m)
}

// settled says that a proof is about something that is over: witnesses of one fork
// each make a proof of their own, and not every one of them starts it all anew. It
// is over once the root key closed the log in question; about somebody else, once
// people also pardoned another proof of that log.
func (b *Book) settled(ctx context.Context, q db.Querier, f Fork, newest KeySet) (bool, error) {
	if f.Epoch >= newest.Epoch() || f.Origin == b.self() {
		return f.Epoch < newest.Epoch(), nil
	}
	all, err := allForks(ctx, q)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(all, func(k kept) bool {
		before, err := DecodeFork(k.proof)
		return err == nil && k.member == f.Origin && k.pardoned != 0 && before.Epoch == f.Epoch
	}), nil
}

// tellForks writes proofs we hold into our own log, once each, so that everybody
// who mirrors us learns. It waits while we may not append.
func (b *Book) tellForks(ctx context.Context) error {
	all, err := allForks(ctx, b.n.DB)
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.told || k.member == b.self() {
			continue
		}
		f, err := DecodeFork(k.proof)
		if err != nil {
			return damaged(string(k.member), err)
		}
		if _, err := b.Append(ctx, TypFork, nil, 0, f); err != nil {
			return fmt.Errorf("tell others of a fork: %w", err)
		}
		if err := markTold(ctx, b.n.DB, k.member); err != nil {
			return err
		}
	}
	return nil
}
