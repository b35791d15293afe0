package author

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
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/members"
	"entrechat/internal/kit/logbook/store"
	"entrechat/internal/kit/seal"
)

// Author writes our own log. Whether that is safe now, the guard finds out; what it
// found is remembered here.
type Author struct {
	st  *store.Store
	reg *members.Registry

	mu      sync.Mutex
	guarded core.Moment // when the guard was last renewed, zero = not passed
}

// New makes the author of a store's own log.
func New(st *store.Store, reg *members.Registry) *Author { return &Author{st: st, reg: reg} }

// Init opens our own log with its first key set as entry 0. Returns CodeConflict
// when there is one already, CodeInvalid or CodeDenied for a key set that is not
// ours.
func (a *Author) Init(ctx context.Context, doc seal.Envelope, root core.RootKey) error {
	keys, err := format.OpenKeySet(doc, a.st.Self(), root)
	if err != nil {
		return err
	}
	if keys.Epoch() != 1 {
		return core.Invalid("logbook.bad_keyset", errors.New("a first key set closes no log")).With("Member", a.st.Self())
	}
	err = a.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := store.GetMember(ctx, q, a.st.Self()); core.CodeOf(err) != core.CodeNotFound {
			return firstOf(err, core.Conflict("logbook.exists", fmt.Errorf("%s has a log", a.st.Self())))
		}
		m := store.MemberRow{ID: a.st.Self(), URL: keys.URL, Root: root, Followed: a.st.Now()}
		if err := store.PutLog(ctx, q, store.EmptyLog(m.ID, 1, 0)); err != nil {
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

// PublishTx learns a newer key set of ours and logs it.
func (a *Author) PublishTx(ctx context.Context, q db.Querier, doc seal.Envelope) error {
	m, err := store.GetMember(ctx, q, a.st.Self())
	if err != nil {
		return err
	}
	return a.publishAs(ctx, q, m, doc)
}

func (a *Author) publishAs(ctx context.Context, q db.Querier, m store.MemberRow, doc seal.Envelope) error {
	learned, err := a.reg.LearnTx(ctx, q, m, doc)
	if err != nil {
		return err
	}
	if learned.Version == m.Version {
		return core.Conflict("logbook.old_keyset", fmt.Errorf("key set %d is known", m.Version))
	}
	_, err = a.AppendTx(ctx, q, format.Entry{Log: a.st.Self(), Typ: format.TypKeySet, Iat: a.st.Now()}, doc)
	return err
}

// AppendTx adds one leaf to our own log and signs the new head, all in q.
func (a *Author) AppendTx(ctx context.Context, q db.Querier, e format.Entry, body any) (format.Entry, error) {
	if err := Stopped(ctx, q); err != nil {
		return format.Entry{}, err
	}
	l, keys, err := a.SoundLog(ctx, q)
	if err != nil {
		return format.Entry{}, err
	}
	e.Index = l.Base + l.Tree.N
	data, err := format.EncodeLeaf(e, body)
	if err != nil {
		return format.Entry{}, err
	}
	// Reading the edge checks it against the root we signed.
	g, err := store.Grow(ctx, q, l.Origin, l.Tree, [][]byte{data})
	if err != nil {
		return format.Entry{}, err
	}
	err = store.PutEntries(ctx, q, l.Origin, []store.LeafRow{{Index: l.Tree.N, Typ: e.Typ, Data: data, Received: a.st.Now()}})
	if err != nil {
		return format.Entry{}, err
	}
	if err := store.PutTiles(ctx, q, l.Origin, g); err != nil {
		return format.Entry{}, err
	}
	l.Tree, l.Bytes = g.Tree, l.Bytes+int64(len(data))
	if err := a.SignLog(ctx, q, l, keys); err != nil {
		return format.Entry{}, err
	}
	return format.ParseLeaf(e.Log, e.Index, data)
}

// SignLog signs our own log as it stands and stores it.
func (a *Author) SignLog(ctx context.Context, q db.Querier, l store.LogRow, keys format.KeySet) error {
	ours := func(key ed25519.PublicKey) bool { return key.Equal(a.st.Signer.Public()) }
	if !slices.ContainsFunc(keys.Good(), ours) {
		return core.Denied("logbook.not_our_key", errors.New("our key set does not name the key this node signs with"))
	}
	note, err := format.SignHead(a.st.Signer, l.Origin, l.Tree, a.st.Now())
	if err != nil {
		return fmt.Errorf("sign own head: %w", err)
	}
	l.Note, l.Signed, l.Heard = note, a.st.Now(), a.st.Now()
	if l.Cosig, err = format.Cosign(a.st.Signer, l.Head(), a.st.Now()); err != nil {
		return fmt.Errorf("sign own head: %w", err)
	}
	return store.PutLog(ctx, q, l)
}

// SoundLog reads our own log and checks, before anything is signed on top, what the
// next head is computed from: the head stored is one we signed over this tree, the
// hashes of the right edge lead to its root, and the leaves of the last tile are
// those hashed. The leaves before are compared at start and daily (Repair).
func (a *Author) SoundLog(ctx context.Context, q db.Querier) (store.LogRow, format.KeySet, error) {
	m, err := store.GetMember(ctx, q, a.st.Self())
	if err != nil {
		return store.LogRow{}, format.KeySet{}, err
	}
	keys, err := m.KeySet()
	if err != nil {
		return store.LogRow{}, format.KeySet{}, err
	}
	l, err := store.CurrentLog(ctx, q, a.st.Self())
	if err != nil || l.Tree.N == 0 {
		return l, keys, err
	}
	if l.Note != nil { // none after a revocation or in a recovered log
		h, err := format.OpenHead(keys, l.Epoch, l.Note)
		if err != nil {
			return l, keys, store.Damaged(l.Origin, err)
		}
		if h.Tree != l.Tree {
			return l, keys, store.Damaged(l.Origin, errors.New("size or root is not the one signed"))
		}
	}
	from := (l.Tree.N - 1) / torchwood.TileWidth * torchwood.TileWidth
	edge, err := store.GetEntries(ctx, q, l.Origin, from, torchwood.TileWidth+1)
	if err != nil {
		return l, keys, err
	}
	if from+int64(len(edge)) != l.Tree.N {
		return l, keys, store.Damaged(l.Origin, fmt.Errorf("%d entries from %d on, not %d", len(edge), from, l.Tree.N-from))
	}
	return l, keys, store.VerifyPage(l, store.Hashes(ctx, q, l.Origin, l.Tree), from, edge)
}

// ResignTx signs our head again with the present time.
func (a *Author) ResignTx(ctx context.Context, q db.Querier) error {
	if err := Stopped(ctx, q); err != nil {
		return err
	}
	l, keys, err := a.SoundLog(ctx, q)
	if err != nil || l.Tree.N == 0 {
		return err
	}
	return a.SignLog(ctx, q, l, keys)
}
