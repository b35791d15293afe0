package logbook

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
)

// Follow starts mirroring a member's log under a pinned root key. Its online keys
// come with the exchange, from the member or anybody who mirrors it. Following
// again changes the address while no key set tells a better one. Returns
// CodeConflict when the member is known under another root key, CodeInvalid.
func (r *Registry) Follow(ctx context.Context, id core.MemberID, url string, root core.RootKey) error {
	if !id.Valid() || !GoodURL(url) || root.IsZero() {
		return core.Invalid("logbook.bad_member", fmt.Errorf("%.80q at %.80q", id, url)).With("Member", id)
	}
	err := r.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := getMember(ctx, q, id)
		if core.CodeOf(err) == core.CodeNotFound {
			return insertMember(ctx, q, memberRow{id: id, url: url, root: root, followed: r.st.Now()})
		}
		if err != nil {
			return err
		}
		if m.root != root {
			return core.Conflict("logbook.other_root", fmt.Errorf("%s is known under root key %s", id, m.root)).With("Member", id)
		}
		if m.version == 0 && m.url != url {
			m.url = url
			return putMember(ctx, q, m)
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
func insertMember(ctx context.Context, q db.Querier, m memberRow) error {
	var err error
	if m.forked, err = unpardoned(ctx, q, m); err != nil {
		return err
	}
	if err := putMember(ctx, q, m); err != nil {
		return err
	}
	if err := putLog(ctx, q, emptyLog(m.id, 1, 0)); err != nil {
		return err
	}
	return resetCursors(ctx, q)
}

// Unfollow forgets a member and everything read from it; proofs against it stay, and
// suspend it again when it is followed again.
// Returns CodeInvalid for ourselves. Unknown members are no error.
func (r *Registry) Unfollow(ctx context.Context, id core.MemberID) error {
	if id == r.st.Self() {
		return core.Invalid("logbook.own", errors.New("own log"))
	}
	return r.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return forget(ctx, q, id) })
}

// Learn takes a newer key set of a member we know, wherever it came from: the root
// key's signature is what counts. An older or equal one changes nothing. Returns
// CodeNotFound, CodeDenied, CodeInvalid.
func (r *Registry) Learn(ctx context.Context, id core.MemberID, doc seal.Envelope) error {
	err := r.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := getMember(ctx, q, id)
		if err != nil {
			return err
		}
		_, err = r.learnTx(ctx, q, m, doc)
		return err
	})
	if err == nil {
		r.st.Wake()
	}
	return err
}

func (r *Registry) learnTx(ctx context.Context, q db.Querier, m memberRow, doc seal.Envelope) (memberRow, error) {
	keys, err := OpenKeySet(doc, m.id, m.root)
	if err != nil || keys.Version <= m.version {
		return m, err
	}
	if m.version > 0 {
		old, err := m.keySet()
		if err != nil {
			return m, err
		}
		if !keys.follows(old) {
			return m, core.Invalid("logbook.bad_keyset", fmt.Errorf("key set %d of %s contradicts %d", keys.Version, m.id, old.Version)).
				With("Member", m.id)
		}
	}
	if m.doc, err = doc.Encode(); err != nil {
		return m, err
	}
	moved := m.url != keys.URL
	m.version, m.url = keys.Version, keys.URL
	if err := putMember(ctx, q, m); err != nil {
		return m, err
	}
	if moved {
		if err := retryNow(ctx, q, m.id); err != nil {
			return m, err
		}
	}
	return m, r.settle(ctx, q, m.id, keys)
}

// settle brings the logs we hold of a member in line with a new key set: closed
// ones end where it says, entries that only a revoked key vouches for leave, and
// the log that goes on exists.
func (r *Registry) settle(ctx context.Context, q db.Querier, id core.MemberID, keys KeySet) error {
	logs, err := logsOf(ctx, q, id)
	if err != nil {
		return err
	}
	for _, l := range logs {
		if err := r.settleLog(ctx, q, l, keys); err != nil {
			return err
		}
	}
	for epoch := int64(1); epoch <= keys.Epoch(); epoch++ {
		if slices.ContainsFunc(logs, func(l logRow) bool { return l.epoch == epoch }) {
			continue
		}
		if err := putLog(ctx, q, emptyLog(id, epoch, keys.base(epoch))); err != nil {
			return err
		}
	}
	// The log that goes on moves to the end of seq, so that others hear of the set.
	l, err := currentLog(ctx, q, id)
	if err != nil {
		return err
	}
	return putLog(ctx, q, l)
}

// settleLog brings one log in line with a new key set.
func (r *Registry) settleLog(ctx context.Context, q db.Querier, l logRow, keys KeySet) error {
	keep := validSize(l, keys)
	if closed, ok := keys.closed(l.epoch); ok && keep == closed.N {
		root, err := rootAt(ctx, q, l, keep)
		if err != nil {
			return err
		}
		if root != closed.Hash {
			keep = 0 // another history altogether: fetch the good one anew
		}
	}
	if keep == l.tree.N && (l.note == nil || headHolds(keys, l)) {
		return nil
	}
	if keep < l.tree.N {
		r.st.Log.Warn("entries lost their standing", "log", l.origin, "held", l.tree.N, "kept", keep)
		var err error
		if l, err = truncate(ctx, q, l, keep, r.st.Now()); err != nil {
			return err
		}
		if err := cutCursors(ctx, q, l.member, l.base+keep); err != nil {
			return err
		}
	}
	l.note, l.cosig = nil, ""
	return putLog(ctx, q, l)
}

// headHolds says whether a log's head still counts under a key set.
func headHolds(keys KeySet, l logRow) bool {
	_, err := openHead(keys, l.epoch, l.note)
	return err == nil
}

// validSize is how many of a log's entries a key set leaves standing.
func validSize(l logRow, keys KeySet) int64 {
	if closed, ok := keys.closed(l.epoch); ok {
		return min(l.tree.N, closed.N)
	}
	if l.note == nil {
		return l.tree.N // consistent with what was vouched for when it was stored
	}
	if _, err := openHead(keys, l.epoch, l.note); err == nil {
		return l.tree.N
	}
	for _, key := range keys.Keys {
		if _, err := openUnder(l.origin, l.member, key.Public(), l.note); err == nil {
			return min(l.tree.N, max(0, key.RevokedFrom-l.base))
		}
	}
	return 0 // signed by a key that never was the member's
}
