package logbook

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"

	"filippo.io/torchwood"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
)

// Author writes our own log. Whether that is safe now, the guard finds out; what it
// found is remembered here.
type Author struct {
	st  *Store
	reg *Registry

	mu      sync.Mutex
	guarded core.Moment // when the guard was last renewed, zero = not passed
}

// NewAuthor makes the author of a store's own log.
func NewAuthor(st *Store, reg *Registry) *Author { return &Author{st: st, reg: reg} }

// Init opens our own log with its first key set as entry 0. Returns CodeConflict
// when there is one already, CodeInvalid or CodeDenied for a key set that is not
// ours.
func (a *Author) Init(ctx context.Context, doc seal.Envelope, root core.RootKey) error {
	keys, err := OpenKeySet(doc, a.st.Self(), root)
	if err != nil {
		return err
	}
	if keys.Epoch() != 1 {
		return core.Invalid("logbook.bad_keyset", errors.New("a first key set closes no log")).With("Member", a.st.Self())
	}
	err = a.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := getMember(ctx, q, a.st.Self()); core.CodeOf(err) != core.CodeNotFound {
			return firstOf(err, core.Conflict("logbook.exists", fmt.Errorf("%s has a log", a.st.Self())))
		}
		m := memberRow{id: a.st.Self(), url: keys.URL, root: root, followed: a.st.Now()}
		if err := putLog(ctx, q, emptyLog(m.id, 1, 0)); err != nil {
			return err
		}
		return a.publishAs(ctx, q, m, doc)
	})
	if err == nil {
		a.st.Wake()
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

// publishTx learns a newer key set of ours and logs it.
func (a *Author) publishTx(ctx context.Context, q db.Querier, doc seal.Envelope) error {
	m, err := getMember(ctx, q, a.st.Self())
	if err != nil {
		return err
	}
	return a.publishAs(ctx, q, m, doc)
}

func (a *Author) publishAs(ctx context.Context, q db.Querier, m memberRow, doc seal.Envelope) error {
	learned, err := a.reg.learnTx(ctx, q, m, doc)
	if err != nil {
		return err
	}
	if learned.version == m.version {
		return core.Conflict("logbook.old_keyset", fmt.Errorf("key set %d is known", m.version))
	}
	_, err = a.appendTx(ctx, q, Entry{Log: a.st.Self(), Typ: TypKeySet, Iat: a.st.Now()}, doc)
	return err
}

// appendTx adds one leaf to our own log and signs the new head, all in q.
func (a *Author) appendTx(ctx context.Context, q db.Querier, e Entry, body any) (Entry, error) {
	if err := stopped(ctx, q); err != nil {
		return Entry{}, err
	}
	l, keys, err := a.soundLog(ctx, q)
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
	err = putEntries(ctx, q, l.origin, []stored{{index: l.tree.N, typ: e.Typ, data: data, received: a.st.Now()}})
	if err != nil {
		return Entry{}, err
	}
	if err := putTiles(ctx, q, l.origin, g); err != nil {
		return Entry{}, err
	}
	l.tree, l.bytes = g.tree, l.bytes+int64(len(data))
	if err := a.signLog(ctx, q, l, keys); err != nil {
		return Entry{}, err
	}
	return parseLeaf(e.Log, e.Index, data)
}

// signLog signs our own log as it stands and stores it.
func (a *Author) signLog(ctx context.Context, q db.Querier, l logRow, keys KeySet) error {
	ours := func(key ed25519.PublicKey) bool { return key.Equal(a.st.Signer.Public()) }
	if !slices.ContainsFunc(keys.Good(), ours) {
		return core.Denied("logbook.not_our_key", errors.New("our key set does not name the key this node signs with"))
	}
	note, err := signHead(a.st.Signer, l.origin, l.tree, a.st.Now())
	if err != nil {
		return fmt.Errorf("sign own head: %w", err)
	}
	l.note, l.signed, l.heard = note, a.st.Now(), a.st.Now()
	if l.cosig, err = cosign(a.st.Signer, l.head(), a.st.Now()); err != nil {
		return fmt.Errorf("sign own head: %w", err)
	}
	return putLog(ctx, q, l)
}

// soundLog reads our own log and checks, before anything is signed on top, what the
// next head is computed from: the head stored is one we signed over this tree, the
// hashes of the right edge lead to its root, and the leaves of the last tile are
// those hashed. The leaves before are compared at start and daily (Repair).
func (a *Author) soundLog(ctx context.Context, q db.Querier) (logRow, KeySet, error) {
	m, err := getMember(ctx, q, a.st.Self())
	if err != nil {
		return logRow{}, KeySet{}, err
	}
	keys, err := m.keySet()
	if err != nil {
		return logRow{}, KeySet{}, err
	}
	l, err := currentLog(ctx, q, a.st.Self())
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

// resignTx signs our head again with the present time.
func (a *Author) resignTx(ctx context.Context, q db.Querier) error {
	if err := stopped(ctx, q); err != nil {
		return err
	}
	l, keys, err := a.soundLog(ctx, q)
	if err != nil || l.tree.N == 0 {
		return err
	}
	return a.signLog(ctx, q, l, keys)
}
