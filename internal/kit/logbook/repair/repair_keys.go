package repair

import (
	"context"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/store"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// repairMember compares a member's row with its key set document and repairs what
// differs. It says whether it did. Returns CodeInternal (logbook.damaged).
func (r *Repairer) repairMember(ctx context.Context, m store.MemberRow) (store.MemberRow, format.KeySet, bool, error) {
	if len(m.Doc) == 0 && m.Version == 0 {
		return m, format.KeySet{Origin: m.ID}, false, nil // none met yet
	}
	keys, err := m.KeySet()
	if err == nil && keys.Version == m.Version && keys.URL == m.URL {
		return m, keys, false, nil
	}
	sound := m
	if err != nil {
		if sound, keys, err = r.findKeySet(ctx, m, err); err != nil {
			return m, keys, false, err
		}
	}
	sound.Version, sound.URL = keys.Version, keys.URL
	err = r.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		now, err := store.GetMember(ctx, q, m.ID)
		if err != nil {
			return err
		}
		if string(now.Doc) != string(m.Doc) || now.Version != m.Version {
			return errChanged
		}
		if err := store.PutMember(ctx, q, sound); err != nil {
			return err
		}
		if err := store.PutRoot(ctx, q, sound); err != nil {
			return err
		}
		if keys.Version == m.Version {
			return nil
		}
		return r.reg.Settle(ctx, q, m.ID, keys)
	})
	return sound, keys, true, err
}

// findKeySet finds a member's key set again where the stored one does not hold under
// the stored root key: one of the two is damaged. why is what was wrong.
func (r *Repairer) findKeySet(ctx context.Context, m store.MemberRow, why error) (store.MemberRow, format.KeySet, error) {
	if root, ok := rootWithin(m); ok { // the document holds by itself: its root key was the pinned one when it came
		m.Root = root
		keys, err := m.KeySet()
		return m, keys, err
	}
	best, err := r.loggedKeySet(ctx, m)
	if err != nil {
		return m, format.KeySet{}, err
	}
	if best.keys.Version < m.Version {
		holders, err := r.contacts.Holders(ctx, m)
		if err != nil {
			return m, format.KeySet{}, err
		}
		best = r.fetchKeySet(ctx, m, holders, best)
	}
	if best.keys.Version == 0 || best.keys.Version < m.Version {
		return m, format.KeySet{}, why
	}
	if m.Doc, err = best.doc.Encode(); err != nil {
		return m, format.KeySet{}, err
	}
	return m, best.keys, nil
}

// rootWithin is the root key that a stored key set document names and is signed by.
func rootWithin(m store.MemberRow) (core.RootKey, bool) {
	doc, err := seal.DecodeEnvelope(m.Doc)
	if err != nil {
		return core.RootKey{}, false
	}
	payload, err := doc.Unverified()
	if err != nil {
		return core.RootKey{}, false
	}
	var s format.KeySet
	if wire.Decode(payload, &s) != nil {
		return core.RootKey{}, false
	}
	_, err = format.OpenKeySet(doc, m.ID, s.Root)
	return s.Root, err == nil
}

// foundKeySet is a key set that holds under the pinned root key, zero = none.
type foundKeySet struct {
	keys format.KeySet
	doc  seal.Envelope
}

func (f foundKeySet) better(m store.MemberRow, doc seal.Envelope) foundKeySet {
	if keys, err := format.OpenKeySet(doc, m.ID, m.Root); err == nil && keys.Version > f.keys.Version {
		return foundKeySet{keys, doc}
	}
	return f
}

// loggedKeySet is the newest key set in the entries we hold of a member.
func (r *Repairer) loggedKeySet(ctx context.Context, m store.MemberRow) (foundKeySet, error) {
	var best foundKeySet
	docs, err := store.KeySetEntries(ctx, r.st.DB, m.ID)
	for _, data := range docs {
		var doc seal.Envelope
		if e, err := format.ParseLeaf(m.ID, 0, data); err == nil && wire.Decode(e.Body, &doc) == nil {
			best = best.better(m, doc)
		}
	}
	return best, err
}

// fetchKeySet asks the holders, side by side, for a key set that is newer.
func (r *Repairer) fetchKeySet(ctx context.Context, m store.MemberRow, holders []store.Holder, best foundKeySet) foundKeySet {
	ctx, cancel := context.WithTimeout(ctx, repairTime)
	defer cancel()
	got := make(chan seal.Envelope, len(holders))
	for _, at := range holders {
		go func() {
			doc, err := r.remote.SourceAt(at, string(m.ID)).KeySet(ctx)
			if err != nil {
				r.st.Log.Debug("no key set", "member", m.ID, "error", fmt.Errorf("%s: %w", at.Member, err))
			}
			got <- doc
		}()
	}
	for range holders {
		if best = best.better(m, <-got); best.keys.Version >= m.Version {
			break
		}
	}
	return best
}
