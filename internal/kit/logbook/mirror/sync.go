package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/store"
)

// SyncLog takes a head somebody showed us, fetching what we lack from the source. It
// answers the log as then held. A contradiction is proved and the member
// suspended; ErrConflict says so.
func (mr *Mirror) SyncLog(ctx context.Context, s Source, id core.MemberID, epoch int64, note []byte) (store.LogRow, error) {
	keys, _, err := mr.reg.KeySet(ctx, id)
	if err != nil {
		return store.LogRow{}, err
	}
	h, err := format.OpenHead(keys, epoch, note)
	if err != nil {
		return store.LogRow{}, err
	}
	if err := mr.refusalOf(h.Origin); err != nil {
		return store.LogRow{}, err
	}
	for range maxPieces {
		l, err := store.GetLog(ctx, mr.st.DB, id, epoch)
		if err != nil {
			return l, err
		}
		o := format.Offer{Member: id, Epoch: epoch, Note: note, From: l.Tree.N}
		if err := mr.fill(ctx, s, l, h.Tree, &o); err != nil {
			return l, err
		}
		held, err := mr.Accept(ctx, o)
		if errors.Is(err, ErrConflict) || errors.Is(err, ErrMismatch) {
			return held, mr.Dispute(ctx, s, id, epoch, note)
		}
		if err != nil || o.Part.N == 0 && held.Tree.N >= h.Tree.N {
			return held, mr.recordRefusal(h.Origin, err)
		}
	}
	return store.GetLog(ctx, mr.st.DB, id, epoch)
}

// fill fetches an offer's entries, one piece of them when there are very many.
func (mr *Mirror) fill(ctx context.Context, s Source, l store.LogRow, tree tlog.Tree, o *format.Offer) error {
	if tree.N <= l.Tree.N {
		return nil
	}
	end := tree.N
	if end-l.Tree.N > 2*piece {
		end = l.Tree.N + piece
		// A piece is only stored if the whole goes through it.
		root, err := tlog.TreeHash(end, s.hashes(ctx, tree))
		if err != nil {
			return badSource(s, err)
		}
		o.Part = tlog.Tree{N: end, Hash: root}
	}
	var err error
	o.Entries, err = s.Entries(ctx, l.Tree.N, end)
	return err
}

func badSource(s Source, err error) error {
	if core.CodeOf(err) != core.CodeInternal {
		return err
	}
	return core.Invalid("logbook.bad_bundle", fmt.Errorf("tiles at %s: %w", s, err))
}

// Dispute finds out who lied when a head does not fit what we hold: the author,
// and then there is a proof, or the source, and then nothing happened.
func (mr *Mirror) Dispute(ctx context.Context, s Source, id core.MemberID, epoch int64, note []byte) error {
	keys, doc, err := mr.reg.KeySet(ctx, id)
	if err != nil {
		return err
	}
	theirs, err := format.OpenHead(keys, epoch, note)
	if err != nil {
		return err
	}
	l, err := store.GetLog(ctx, mr.st.DB, id, epoch)
	if err != nil {
		return err
	}
	if l.Note == nil {
		return core.Unsure("logbook.gap", fmt.Errorf("log %s: nothing vouches for what we hold", l.Origin)).With("Member", id)
	}
	read := store.Hashes(ctx, mr.st.DB, l.Origin, l.Tree)
	if theirs.Tree.N > l.Tree.N {
		read = s.hashes(ctx, theirs.Tree)
	}
	f, err := format.Fork{Origin: id, Epoch: epoch, KeySet: doc}.Prove(l.Head(), theirs, read)
	if err != nil {
		return badSource(s, err)
	}
	if err := mr.reg.RecordFork(ctx, f); err != nil {
		if core.CodeOf(err) == core.CodeInvalid {
			return core.Invalid("logbook.bad_bundle", fmt.Errorf("entries at %s are not the author's: %w", s, err))
		}
		return err
	}
	return ErrConflict
}

// syncClosed fetches what we lack of logs a member closed.
func (mr *Mirror) syncClosed(ctx context.Context, at store.Holder, keys format.KeySet) error {
	for epoch := int64(1); epoch < keys.Epoch(); epoch++ {
		l, err := store.GetLog(ctx, mr.st.DB, keys.Origin, epoch)
		if err != nil {
			return err
		}
		end, ok := keys.ClosedTree(epoch)
		if !ok || l.Tree.N >= end.N {
			continue
		}
		if err := mr.refusalOf(l.Origin); err != nil {
			return err
		}
		o := format.Offer{Member: keys.Origin, Epoch: epoch, From: l.Tree.N}
		if err := mr.fill(ctx, mr.remote.SourceAt(at, l.Origin), l, end, &o); err != nil {
			return err
		}
		if err := mr.acceptClosed(ctx, o); err != nil {
			return mr.recordRefusal(l.Origin, err)
		}
	}
	return nil
}

// Adopt follows a member whose root key people confirmed, with the key set it
// showed, and fetches its log if it answers now; otherwise the exchange will.
// Codes as for Follow and Learn.
func (mr *Mirror) Adopt(ctx context.Context, w format.WellKnown) error {
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
	at := store.Holder{Member: id, Address: keys.URL}
	if err := mr.syncClosed(ctx, at, keys); err != nil {
		return err
	}
	s := mr.remote.SourceAt(at, format.LogOrigin(id, keys.Epoch()))
	note, err := s.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return err
	}
	_, err = mr.SyncLog(ctx, s, id, keys.Epoch(), note)
	return err
}

// PullOwn fetches our own log from one mirror as far as it is ahead of ours. A
// mirror that has nothing of it has answered too.
func (mr *Mirror) PullOwn(ctx context.Context, at store.Holder) error {
	ctx, cancel := context.WithTimeout(ctx, AskTime)
	defer cancel()
	l, err := store.CurrentLog(ctx, mr.st.DB, mr.st.Self())
	if core.CodeOf(err) == core.CodeNotFound {
		return nil // no log yet
	}
	if err != nil {
		return err
	}
	return mr.PullOwnAt(ctx, at, l)
}

// PullOwnAt fetches our own log, which is held as l, from one mirror as far as it is ahead.
// A mirror that has nothing of it is no error.
func (mr *Mirror) PullOwnAt(ctx context.Context, at store.Holder, l store.LogRow) error {
	s := mr.remote.SourceAt(at, l.Origin)
	doc, err := s.KeySet(ctx)
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
	if keys.Epoch() != l.Epoch { // the mirror knew of a newer one
		if err := mr.syncClosed(ctx, at, keys); err != nil {
			return err
		}
		if l, err = store.CurrentLog(ctx, mr.st.DB, mr.st.Self()); err != nil {
			return err
		}
		s = mr.remote.SourceAt(at, l.Origin)
	}
	note, err := s.ReadEndpoint(ctx, "checkpoint")
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = mr.SyncLog(ctx, s, mr.st.Self(), l.Epoch, note)
	return err
}
