package logbook

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"

	"filippo.io/torchwood"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
)

// Init opens our own log with its first key set as entry 0. Returns CodeConflict
// when there is one already, CodeInvalid or CodeDenied for a key set that is not
// ours.
func (b *Book) Init(ctx context.Context, doc seal.Envelope, root core.RootKey) error {
	keys, err := OpenKeySet(doc, b.self(), root)
	if err != nil {
		return err
	}
	if keys.Epoch() != 1 {
		return core.Invalid("logbook.bad_keyset", errors.New("a first key set closes no log")).With("Member", b.self())
	}
	err = b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := getMember(ctx, q, b.self()); core.CodeOf(err) != core.CodeNotFound {
			return firstOf(err, core.Conflict("logbook.exists", fmt.Errorf("%s has a log", b.self())))
		}
		m := memberRow{id: b.self(), url: keys.URL, root: root, followed: b.now()}
		if err := putLog(ctx, q, emptyLog(m.id, 1, 0)); err != nil {
			return err
		}
		return b.publish(ctx, q, m, doc)
	})
	if err == nil {
		b.wake()
	}
	return err
}

// firstOf is the first error, or otherwise the second.
func firstOf(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// Publish makes a newer key set of ours known: a moved URL, another online key. It
// must name the key this node signs with. Returns CodeConflict for a version that
// is not newer, and the codes of Append.
func (b *Book) Publish(ctx context.Context, doc seal.Envelope) error {
	return b.change(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := getMember(ctx, q, b.self())
		if err != nil {
			return err
		}
		return b.publish(ctx, q, m, doc)
	})
}

// change makes a change of our own log that signs it, when the guard lets it. A log
// that shows itself damaged on the way is repaired first.
func (b *Book) change(ctx context.Context, do func(context.Context, db.Querier) error) error {
	if err := b.guard(ctx); err != nil {
		return err
	}
	err := b.n.DB.Tx(ctx, do)
	if isDamage(err) {
		if err := b.repairOwn(ctx); err != nil {
			b.unguard()
			return err
		}
		err = b.n.DB.Tx(ctx, do)
	}
	if err == nil {
		b.wake()
	}
	return err
}

// publish learns our own key set and logs it.
func (b *Book) publish(ctx context.Context, q db.Querier, m memberRow, doc seal.Envelope) error {
	learned, err := b.learn(ctx, q, m, doc)
	if err != nil {
		return err
	}
	if learned.version == m.version {
		return core.Conflict("logbook.old_keyset", fmt.Errorf("key set %d is known", m.version))
	}
	_, err = b.append(ctx, q, Entry{Log: b.self(), Typ: TypKeySet, Iat: b.now()}, doc)
	return err
}

// Append adds an entry to our own log: typ is "entrechat/<kind>/<version>", aud
// whom it concerns (empty: everybody), exp when it ends (zero: never). It is on
// the disk and signed when Append returns.
//
// Returns CodeUnsure (logbook.catching_up) until our mirrors were asked how far
// they hold this log, CodeConflict when two histories of it are about,
// CodeInternal when what is on the disk does not match what we signed, CodeInvalid
// for an entry others would not read, CodeFull.
func (b *Book) Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (Entry, error) {
	var e Entry
	err := b.change(ctx, func(ctx context.Context, q db.Querier) (err error) {
		e, err = b.append(ctx, q, Entry{Log: b.self(), Typ: typ, Iat: b.now(), Exp: exp, Aud: aud}, body)
		return err
	})
	if err != nil {
		return Entry{}, err
	}
	return e, nil
}

// append adds one leaf to our own log and signs the new head, all in q.
func (b *Book) append(ctx context.Context, q db.Querier, e Entry, body any) (Entry, error) {
	if err := stopped(ctx, q); err != nil {
		return Entry{}, err
	}
	l, keys, err := b.soundLog(ctx, q)
	if err != nil {
		return Entry{}, err
	}
	e.Index = l.base + l.tree.N
	data, err := encodeLeaf(e, body)
	if err != nil {
		return Entry{}, err
	}
	// Reading the edge checks it against the root we signed.
	g, err := grow(ctx, q, l.origin, l.tree, [][]byte{data})
	if err != nil {
		return Entry{}, err
	}
	err = putEntries(ctx, q, l.origin, []stored{{index: l.tree.N, typ: e.Typ, data: data, received: b.now()}})
	if err != nil {
		return Entry{}, err
	}
	if err := putTiles(ctx, q, l.origin, g); err != nil {
		return Entry{}, err
	}
	l.tree, l.bytes = g.tree, l.bytes+int64(len(data))
	if err := b.signLog(ctx, q, l, keys); err != nil {
		return Entry{}, err
	}
	return parseLeaf(e.Log, e.Index, data)
}

// signLog signs our own log as it stands and stores it.
func (b *Book) signLog(ctx context.Context, q db.Querier, l logRow, keys KeySet) error {
	ours := func(key ed25519.PublicKey) bool { return key.Equal(b.n.Signer.Public()) }
	if !slices.ContainsFunc(keys.Good(), ours) {
		return core.Denied("logbook.not_our_key", errors.New("our key set does not name the key this node signs with"))
	}
	note, err := signHead(b.n.Signer, l.origin, l.tree, b.now())
	if err != nil {
		return fmt.Errorf("sign own head: %w", err)
	}
	l.note, l.signed, l.heard = note, b.now(), b.now()
	if l.cosig, err = cosign(b.n.Signer, l.head(), b.now()); err != nil {
		return fmt.Errorf("sign own head: %w", err)
	}
	return putLog(ctx, q, l)
}

// soundLog reads our own log and checks, before anything is signed on top, what the
// next head is computed from: the head stored is one we signed over this tree, the
// hashes of the right edge lead to its root, and the leaves of the last tile are
// those hashed. The leaves before are compared at start and daily (Repair).
func (b *Book) soundLog(ctx context.Context, q db.Querier) (logRow, KeySet, error) {
	m, err := getMember(ctx, q, b.self())
	if err != nil {
		return logRow{}, KeySet{}, err
	}
	keys, err := m.keySet()
	if err != nil {
		return logRow{}, KeySet{}, err
	}
	l, err := currentLog(ctx, q, b.self())
	if err != nil || l.tree.N == 0 {
		return l, keys, err
	}
	if l.note != nil { // none after a revocation or in a recovered log
		h, err := openHead(keys, l.epoch, l.note)
		if err != nil {
			return l, keys, damaged(l.origin, err)
		}
		if h.tree != l.tree {
			return l, keys, damaged(l.origin, errors.New("size or root is not the one signed"))
		}
	}
	from := (l.tree.N - 1) / torchwood.TileWidth * torchwood.TileWidth
	edge, err := getEntries(ctx, q, l.origin, from, torchwood.TileWidth+1)
	if err != nil {
		return l, keys, err
	}
	if from+int64(len(edge)) != l.tree.N {
		return l, keys, damaged(l.origin, fmt.Errorf("%d entries from %d on, not %d", len(edge), from, l.tree.N-from))
	}
	return l, keys, verifyPage(l, hashes(ctx, q, l.origin, l.tree), from, edge)
}

// Resign signs our head again with the present time, so that others see we live.
// Codes as for Append.
func (b *Book) Resign(ctx context.Context) error {
	return b.change(ctx, func(ctx context.Context, q db.Querier) error {
		if err := stopped(ctx, q); err != nil {
			return err
		}
		l, keys, err := b.soundLog(ctx, q)
		if err != nil || l.tree.N == 0 {
			return err
		}
		return b.signLog(ctx, q, l, keys)
	})
}
