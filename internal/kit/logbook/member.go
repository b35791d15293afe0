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
func (b *Book) Follow(ctx context.Context, id core.MemberID, url string, root core.RootKey) error {
	if !id.Valid() || !GoodURL(url) || root.IsZero() {
		return core.Invalid("logbook.bad_member", fmt.Errorf("%.80q at %.80q", id, url)).With("Member", id)
	}
	err := b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := getMember(ctx, q, id)
		if core.CodeOf(err) == core.CodeNotFound {
			return begin(ctx, q, memberRow{id: id, url: url, root: root, followed: b.now()})
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
		b.postedUpTo(0, 0) // it may be a neighbour to post to
		b.wake()
	}
	return err
}

// begin writes a member that was not known.
func begin(ctx context.Context, q db.Querier, m memberRow) error {
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
	return askAnew(ctx, q)
}

// unpardoned is when a fork was proved of somebody we begin to follow, and not
// pardoned since; zero = never. The name may have another owner by now, with another
// root key.
func unpardoned(ctx context.Context, q db.Querier, m memberRow) (core.Moment, error) {
	all, err := allForks(ctx, q)
	for _, k := range all {
		if k.member != m.id || k.pardoned != 0 {
			continue
		}
		if f, err := DecodeFork(k.proof); err == nil && f.Check(m.root, KeySet{}) == nil {
			return k.found, nil
		}
	}
	return 0, err
}

// Unfollow forgets a member and everything read from it; proofs against it stay, and
// suspend it again when it is followed again.
// Returns CodeInvalid for ourselves. Unknown members are no error.
func (b *Book) Unfollow(ctx context.Context, id core.MemberID) error {
	if id == b.self() {
		return core.Invalid("logbook.own", errors.New("own log"))
	}
	return b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return forget(ctx, q, id) })
}

// Learn takes a newer key set of a member we know, wherever it came from: the root
// key's signature is what counts. An older or equal one changes nothing. Returns
// CodeNotFound, CodeDenied, CodeInvalid.
func (b *Book) Learn(ctx context.Context, id core.MemberID, doc seal.Envelope) error {
	err := b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := getMember(ctx, q, id)
		if err != nil {
			return err
		}
		_, err = b.learn(ctx, q, m, doc)
		return err
	})
	if err == nil {
		b.wake()
	}
	return err
}

func (b *Book) learn(ctx context.Context, q db.Querier, m memberRow, doc seal.Envelope) (memberRow, error) {
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
		if err := callNow(ctx, q, m.id); err != nil {
			return m, err
		}
	}
	return m, b.settle(ctx, q, m.id, keys)
}

// settle brings the logs we hold of a member in line with a new key set: closed
// ones end where it says, entries that only a revoked key vouches for leave, and
// the log that goes on exists.
func (b *Book) settle(ctx context.Context, q db.Querier, id core.MemberID, keys KeySet) error {
	logs, err := logsOf(ctx, q, id)
	if err != nil {
		return err
	}
	for _, l := range logs {
		if err := b.settleLog(ctx, q, l, keys); err != nil {
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
func (b *Book) settleLog(ctx context.Context, q db.Querier, l logRow, keys KeySet) error {
	keep := keepOf(l, keys)
	if closed, ok := keys.closed(l.epoch); ok && keep == closed.N {
		root, err := rootAt(ctx, q, l, keep)
		if err != nil {
			return err
		}
		if root != closed.Hash {
			keep = 0 // another history altogether: fetch the good one anew
		}
	}
	if keep == l.tree.N && (l.note == nil || counts(keys, l)) {
		return nil
	}
	if keep < l.tree.N {
		b.n.Log.Warn("entries lost their standing", "log", l.origin, "held", l.tree.N, "kept", keep)
		var err error
		if l, err = truncate(ctx, q, l, keep, b.now()); err != nil {
			return err
		}
		if err := cutCursors(ctx, q, l.member, l.base+keep); err != nil {
			return err
		}
	}
	l.note, l.cosig = nil, ""
	return putLog(ctx, q, l)
}

// counts says whether a log's head still counts under a key set.
func counts(keys KeySet, l logRow) bool {
	_, err := openHead(keys, l.epoch, l.note)
	return err == nil
}

// keepOf is how many of a log's entries a key set leaves standing.
func keepOf(l logRow, keys KeySet) int64 {
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

// Pardon lifts a suspension: people have talked, and decide to go on with the
// history we hold. The proofs stay. Returns CodeNotFound when there is nothing to
// pardon.
func (b *Book) Pardon(ctx context.Context, id core.MemberID) error {
	err := b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := getMember(ctx, q, id)
		if err != nil {
			return err
		}
		n, err := pardonForks(ctx, q, id, b.now())
		if err != nil {
			return err
		}
		if n == 0 && m.forked == 0 {
			return core.NotFound("logbook.no_fork", fmt.Errorf("nothing held against %s", id)).With("Member", id)
		}
		m.forked = 0
		if err := putMember(ctx, q, m); err != nil {
			return err
		}
		if err := callNow(ctx, q, id); err != nil {
			return err
		}
		return askAnew(ctx, q)
	})
	if err == nil {
		b.wake()
	}
	return err
}

// Evidence is a fork proof we keep.
type Evidence struct {
	Member   core.MemberID
	Proof    Fork
	Found    core.Moment
	Pardoned core.Moment // zero = not
}

// Forks lists the proofs we keep, oldest first.
func (b *Book) Forks(ctx context.Context) ([]Evidence, error) {
	all, err := allForks(ctx, b.n.DB)
	if err != nil {
		return nil, err
	}
	out := make([]Evidence, 0, len(all))
	for _, k := range all {
		f, err := DecodeFork(k.proof)
		if err != nil {
			return nil, damaged(string(k.member), err)
		}
		out = append(out, Evidence{k.member, f, k.found, k.pardoned})
	}
	return out, nil
}
