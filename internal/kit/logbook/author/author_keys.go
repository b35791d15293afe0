package author

import (
	"context"
	"crypto/ed25519"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/store"
)

// RenewKeys publishes a key set in which this node's key is the only good one. It
// answers the size of our whole history before that entry. reopen, when not nil,
// changes the set further; its version is at least the one given.
func (a *Author) RenewKeys(ctx context.Context, root ed25519.PrivateKey, url string, least int64, reopen func(*format.KeySet) error) (int64, error) {
	var size int64
	err := a.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := store.GetMember(ctx, q, a.st.Self())
		if err != nil {
			return err
		}
		keys, err := m.KeySet()
		if err != nil {
			return err
		}
		l, err := store.CurrentLog(ctx, q, a.st.Self())
		if err != nil {
			return err
		}
		size = l.Base + l.Tree.N
		keys.Version, keys.URL, keys.Made = max(keys.Version+1, least), url, a.st.Now()
		if reopen != nil {
			if err := reopen(&keys); err != nil {
				return err
			}
			size = keys.Base(keys.Epoch())
		}
		if keys.Revoked(a.st.Signer.Public()) {
			return core.Denied("logbook.revoked_key", errors.New("the key this node signs with was revoked"))
		}
		keys.Replace(a.st.Signer.Public(), size)
		doc, err := keys.Sign(root)
		if err != nil {
			return err
		}
		if err := a.settleOwn(ctx, q); err != nil {
			return err
		}
		m.Forked = 0
		return a.publishAs(ctx, q, m, doc)
	})
	if err == nil {
		a.st.Wake()
	}
	return size, err
}

// settleOwn settles, now that the root key spoke, what was held against ourselves; whoever
// refused the old keys, or what they signed, is told at once.
func (a *Author) settleOwn(ctx context.Context, q db.Querier) error {
	if err := store.ClearStops(ctx, q); err != nil {
		return err
	}
	if _, err := store.PardonForks(ctx, q, a.st.Self(), a.st.Now()); err != nil {
		return err
	}
	return store.RetryNow(ctx, q, "")
}
