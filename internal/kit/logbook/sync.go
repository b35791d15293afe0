package logbook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
)

// syncLog takes a head somebody showed us, fetching what we lack from the source. It
// answers the log as then held. A contradiction is proved and the member
// suspended; errConflict says so.
func (mr *Mirror) syncLog(ctx context.Context, s source, id core.MemberID, epoch int64, note []byte) (logRow, error) {
	keys, _, err := mr.reg.KeySet(ctx, id)
	if err != nil {
		return logRow{}, err
	}
	h, err := openHead(keys, epoch, note)
	if err != nil {
		return logRow{}, err
	}
	if err := mr.refusalOf(h.origin); err != nil {
		return logRow{}, err
	}
	for range maxPieces {
		l, err := getLog(ctx, mr.st.DB, id, epoch)
		if err != nil {
			return l, err
		}
		o := offer{member: id, epoch: epoch, note: note, from: l.tree.N}
		if err := mr.fill(ctx, s, l, h.tree, &o); err != nil {
			return l, err
		}
		held, err := mr.accept(ctx, o)
		if errors.Is(err, errConflict) || errors.Is(err, errMismatch) {
			return held, mr.dispute(ctx, s, id, epoch, note)
		}
		if err != nil || o.part.N == 0 && held.tree.N >= h.tree.N {
			return held, mr.recordRefusal(h.origin, err)
		}
	}
	return getLog(ctx, mr.st.DB, id, epoch)
}

// fill fetches an offer's entries, one piece of them when there are very many.
func (mr *Mirror) fill(ctx context.Context, s source, l logRow, tree tlog.Tree, o *offer) error {
	if tree.N <= l.tree.N {
		return nil
	}
	end := tree.N
	if end-l.tree.N > 2*piece {
		end = l.tree.N + piece
		// A piece is only stored if the whole goes through it.
		root, err := tlog.TreeHash(end, s.hashes(ctx, tree))
		if err != nil {
			return badSource(s, err)
		}
		o.part = tlog.Tree{N: end, Hash: root}
	}
	var err error
	o.entries, err = s.entries(ctx, l.tree.N, end)
	return err
}

func badSource(s source, err error) error {
	if core.CodeOf(err) != core.CodeInternal {
		return err
	}
	return core.Invalid("logbook.bad_bundle", fmt.Errorf("tiles at %s: %w", s, err))
}

// dispute finds out who lied when a head does not fit what we hold: the author,
// and then there is a proof, or the source, and then nothing happened.
func (mr *Mirror) dispute(ctx context.Context, s source, id core.MemberID, epoch int64, note []byte) error {
	keys, doc, err := mr.reg.KeySet(ctx, id)
	if err != nil {
		return err
	}
	theirs, err := openHead(keys, epoch, note)
	if err != nil {
		return err
	}
	l, err := getLog(ctx, mr.st.DB, id, epoch)
	if err != nil {
		return err
	}
	if l.note == nil {
		return core.Unsure("logbook.gap", fmt.Errorf("log %s: nothing vouches for what we hold", l.origin)).With("Member", id)
	}
	read := hashes(ctx, mr.st.DB, l.origin, l.tree)
	if theirs.tree.N > l.tree.N {
		read = s.hashes(ctx, theirs.tree)
	}
	f, err := Fork{Origin: id, Epoch: epoch, KeySet: doc}.prove(l.head(), theirs, read)
	if err != nil {
		return badSource(s, err)
	}
	if err := mr.reg.recordFork(ctx, f); err != nil {
		if core.CodeOf(err) == core.CodeInvalid {
			return core.Invalid("logbook.bad_bundle", fmt.Errorf("entries at %s are not the author's: %w", s, err))
		}
		return err
	}
	return errConflict
}

// syncClosed fetches what we lack of logs a member closed.
func (mr *Mirror) syncClosed(ctx context.Context, at holder, keys KeySet) error {
	for epoch := int64(1); epoch < keys.Epoch(); epoch++ {
		l, err := getLog(ctx, mr.st.DB, keys.Origin, epoch)
		if err != nil {
			return err
		}
		end, ok := keys.closed(epoch)
		if !ok || l.tree.N >= end.N {
			continue
		}
		if err := mr.refusalOf(l.origin); err != nil {
			return err
		}
		o := offer{member: keys.Origin, epoch: epoch, from: l.tree.N}
		if err := mr.fill(ctx, mr.remote.sourceAt(at, l.origin), l, end, &o); err != nil {
			return err
		}
		if err := mr.acceptClosed(ctx, o); err != nil {
			return mr.recordRefusal(l.origin, err)
		}
	}
	return nil
}

// Adopt follows a member whose root key people confirmed, with the key set it
// showed, and fetches its log if it answers now; otherwise the exchange will.
// Codes as for Follow and Learn.
func (mr *Mirror) Adopt(ctx context.Context, w WellKnown) error {
	if err := mr.reg.Follow(ctx, w.Origin, w.URL, w.Root); err != nil {
		return err
	}
	if err := mr.reg.Learn(ctx, w.Origin, w.KeySet); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, firstPull)
	defer cancel()
	if err := mr.pullLog(ctx, w.Origin); err != nil {
		mr.st.Log.Debug("log not fetched yet", "member", w.Origin, "error", err)
	}
	return nil
}

// firstPull bounds how long Adopt waits for the log itself.
const firstPull = 5 * time.Second

// pullLog fetches a member's log from the member itself.
func (mr *Mirror) pullLog(ctx context.Context, id core.MemberID) error {
	keys, _, err := mr.reg.KeySet(ctx, id)
	if err != nil {
		return err
	}
	at := holder{id, keys.URL}
	if err := mr.syncClosed(ctx, at, keys); err != nil {
		return err
	}
	s := mr.remote.sourceAt(at, LogOrigin(id, keys.Epoch()))
	note, err := s.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return err
	}
	_, err = mr.syncLog(ctx, s, id, keys.Epoch(), note)
	return err
}

// pullOwn fetches our own log from one mirror as far as it is ahead of ours. A
// mirror that has nothing of it has answered too.
func (mr *Mirror) pullOwn(ctx context.Context, at holder) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	l, err := currentLog(ctx, mr.st.DB, mr.st.Self())
	if core.CodeOf(err) == core.CodeNotFound {
		return nil // no log yet
	}
	if err != nil {
		return err
	}
	return mr.pullOwnAt(ctx, at, l)
}

func (mr *Mirror) pullOwnAt(ctx context.Context, at holder, l logRow) error {
	s := mr.remote.sourceAt(at, l.origin)
	doc, err := s.keySet(ctx)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if err := mr.reg.Learn(ctx, mr.st.Self(), doc); err != nil {
		return err
	}
	keys, _, err := mr.reg.KeySet(ctx, mr.st.Self())
	if err != nil {
		return err
	}
	if keys.Epoch() != l.epoch { // the mirror knew of a newer one
		if err := mr.syncClosed(ctx, at, keys); err != nil {
			return err
		}
		if l, err = currentLog(ctx, mr.st.DB, mr.st.Self()); err != nil {
			return err
		}
		s = mr.remote.sourceAt(at, l.origin)
	}
	note, err := s.ReadEndpoint(ctx, "checkpoint")
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = mr.syncLog(ctx, s, mr.st.Self(), l.epoch, note)
	return err
}
