package members

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/store"
	"entrechat/internal/kit/seal"
)

// Follow starts mirroring a member's log under a pinned root key. Its online keys
// come with the exchange, from the member or anybody who mirrors it. Following
// again changes the address while no key set tells a better one. Returns
// CodeConflict when the member is known under another root key, CodeInvalid.
func (r *Registry) Follow(ctx context.Context, id core.MemberID, url string, root core.RootKey) error {
	if !id.Valid() || !format.GoodURL(url) || root.IsZero() {
		return core.Invalid("logbook.bad_member", fmt.Errorf("%.80q at %.80q", id, url)).With("Member", id)
	}
	err := r.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := store.GetMember(ctx, q, id)
		if core.CodeOf(err) == core.CodeNotFound {
			return insertMember(ctx, q, store.MemberRow{ID: id, URL: url, Root: root, Followed: r.st.Now()})
		}
		if err != nil {
			return err
		}
		if m.Root != root {
			return core.Conflict("logbook.other_root", fmt.Errorf("%s is known under root key %s", id, m.Root)).With("Member", id)
		}
		if m.Version == 0 && m.URL != url {
			m.URL = url
			return store.PutMember(ctx, q, m)
		}
		return nil
	})
	if err == nil {
		r.followed.Add(1) // it may be a neighbour to post to
		r.st.Wake()
	}
	return err
}

// insertMember writes a member that was not known.
func insertMember(ctx context.Context, q db.Querier, m store.MemberRow) error {
	var err error
	if m.Forked, err = unpardoned(ctx, q, m); err != nil {
		return err
	}
	if err := store.PutMember(ctx, q, m); err != nil {
		return err
	}
	if err := store.PutLog(ctx, q, store.EmptyLog(m.ID, 1, 0)); err != nil {
		return err
	}
	return store.ResetCursors(ctx, q)
}

// Unfollow forgets a member and everything read from it; proofs against it stay, and
// suspend it again when it is followed again.
// Returns CodeInvalid for ourselves. Unknown members are no error.
func (r *Registry) Unfollow(ctx context.Context, id core.MemberID) error {
	if id == r.st.Self() {
		return core.Invalid("logbook.own", errors.New("own log"))
	}
	return r.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return store.Forget(ctx, q, id) })
}

// Learn takes a newer key set of a member we know, wherever it came from: the root
// key's signature is what counts. An older or equal one changes nothing. Returns
// CodeNotFound, CodeDenied, CodeInvalid.
func (r *Registry) Learn(ctx context.Context, id core.MemberID, doc seal.Envelope) error {
	err := r.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := store.GetMember(ctx, q, id)
		if err != nil {
			return err
		}
		_, err = r.LearnTx(ctx, q, m, doc)
		return err
	})
	if err == nil {
		r.st.Wake()
	}
	return err
}

// LearnTx is Learn within a transaction, for a member as it was just read; it answers the
// member as it is then.
func (r *Registry) LearnTx(ctx context.Context, q db.Querier, m store.MemberRow, doc seal.Envelope) (store.MemberRow, error) {
	keys, err := format.OpenKeySet(doc, m.ID, m.Root)
	if err != nil || keys.Version <= m.Version {
		return m, err
	}
	if m.Version > 0 {
		old, err := m.KeySet()
		if err != nil {
			return m, err
		}
		if !keys.Follows(old) {
			return m, core.Invalid("logbook.bad_keyset", fmt.Errorf("key set %d of %s contradicts %d", keys.Version, m.ID, old.Version)).
				With("Member", m.ID)
		}
	}
	if m.Doc, err = doc.Encode(); err != nil {
		return m, err
	}
	moved := m.URL != keys.URL
	m.Version, m.URL = keys.Version, keys.URL
	if err := store.PutMember(ctx, q, m); err != nil {
		return m, err
	}
	if moved {
		if err := store.RetryNow(ctx, q, m.ID); err != nil {
			return m, err
		}
	}
	return m, r.Settle(ctx, q, m.ID, keys)
}

// Settle brings the logs we hold of a member in line with a new key set: closed
// ones end where it says, entries that only a revoked key vouches for leave, and
// the log that goes on exists.
func (r *Registry) Settle(ctx context.Context, q db.Querier, id core.MemberID, keys format.KeySet) error {
	logs, err := store.LogsOf(ctx, q, id)
	if err != nil {
		return err
	}
	for _, l := range logs {
		if err := r.settleLog(ctx, q, l, keys); err != nil {
			return err
		}
	}
	for epoch := int64(1); epoch <= keys.Epoch(); epoch++ {
		if slices.ContainsFunc(logs, func(l store.LogRow) bool { return l.Epoch == epoch }) {
			continue
		}
		if err := store.PutLog(ctx, q, store.EmptyLog(id, epoch, keys.Base(epoch))); err != nil {
			return err
		}
	}
	// The log that goes on moves to the end of seq, so that others hear of the set.
	l, err := store.CurrentLog(ctx, q, id)
	if err != nil {
		return err
	}
	return store.PutLog(ctx, q, l)
}

// settleLog brings one log in line with a new key set.
func (r *Registry) settleLog(ctx context.Context, q db.Querier, l store.LogRow, keys format.KeySet) error {
	keep := validSize(l, keys)
	if closed, ok := keys.ClosedTree(l.Epoch); ok && keep == closed.N {
		root, err := store.RootAt(ctx, q, l, keep)
		if err != nil {
			return err
		}
		if root != closed.Hash {
			keep = 0 // another history altogether: fetch the good one anew
		}
	}
	if keep == l.Tree.N && (l.Note == nil || headHolds(keys, l)) {
		return nil
	}
	if keep < l.Tree.N {
		r.st.Log.Warn("entries lost their standing", "log", l.Origin, "held", l.Tree.N, "kept", keep)
		var err error
		if l, err = store.Truncate(ctx, q, l, keep, r.st.Now()); err != nil {
			return err
		}
		if err := store.TruncateCursors(ctx, q, l.Member, l.Base+keep); err != nil {
			return err
		}
	}
	l.Note, l.Cosig = nil, ""
	return store.PutLog(ctx, q, l)
}

// headHolds says whether a log's head still counts under a key set.
func headHolds(keys format.KeySet, l store.LogRow) bool {
	_, err := format.OpenHead(keys, l.Epoch, l.Note)
	return err == nil
}

// validSize is how many of a log's entries a key set leaves standing.
func validSize(l store.LogRow, keys format.KeySet) int64 {
	if closed, ok := keys.ClosedTree(l.Epoch); ok {
		return min(l.Tree.N, closed.N)
	}
	if l.Note == nil {
		return l.Tree.N // consistent with what was vouched for when it was stored
	}
	if _, err := format.OpenHead(keys, l.Epoch, l.Note); err == nil {
		return l.Tree.N
	}
	for _, key := range keys.Keys {
		if _, err := format.OpenUnder(l.Origin, l.Member, key.Public(), l.Note); err == nil {
			return min(l.Tree.N, max(0, key.RevokedFrom-l.Base))
		}
	}
	return 0 // signed by a key that never was the member's
}
