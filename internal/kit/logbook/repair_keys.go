package logbook

import (
	"context"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// repairMember compares a member's row with its key set document and repairs what
// differs. It says whether it did. Returns CodeInternal (logbook.damaged).
func (r *Repairer) repairMember(ctx context.Context, m memberRow) (memberRow, KeySet, bool, error) {
	if len(m.doc) == 0 && m.version == 0 {
		return m, KeySet{Origin: m.id}, false, nil // none met yet
	}
	keys, err := m.keySet()
	if err == nil && keys.Version == m.version && keys.URL == m.url {
		return m, keys, false, nil
	}
	sound := m
	if err != nil {
		if sound, keys, err = r.findKeySet(ctx, m, err); err != nil {
			return m, keys, false, err
		}
	}
	sound.version, sound.url = keys.Version, keys.URL
	err = r.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		now, err := getMember(ctx, q, m.id)
		if err != nil {
			return err
		}
		if string(now.doc) != string(m.doc) || now.version != m.version {
			return errChanged
		}
		if err := putMember(ctx, q, sound); err != nil {
			return err
		}
		if err := putRoot(ctx, q, sound); err != nil {
			return err
		}
		if keys.Version == m.version {
			return nil
		}
		return r.reg.settle(ctx, q, m.id, keys)
	})
	return sound, keys, true, err
}

// findKeySet finds a member's key set again where the stored one does not hold under
// the stored root key: one of the two is damaged. why is what was wrong.
func (r *Repairer) findKeySet(ctx context.Context, m memberRow, why error) (memberRow, KeySet, error) {
	if root, ok := rootWithin(m); ok { // the document holds by itself: its root key was the pinned one when it came
		m.root = root
		keys, err := m.keySet()
		return m, keys, err
	}
	best, err := r.loggedKeySet(ctx, m)
	if err != nil {
		return m, KeySet{}, err
	}
	if best.keys.Version < m.version {
		holders, err := r.contacts.holders(ctx, m)
		if err != nil {
			return m, KeySet{}, err
		}
		best = r.fetchKeySet(ctx, m, holders, best)
	}
	if best.keys.Version == 0 || best.keys.Version < m.version {
		return m, KeySet{}, why
	}
	if m.doc, err = best.doc.Encode(); err != nil {
		return m, KeySet{}, err
	}
	return m, best.keys, nil
}

// rootWithin is the root key that a stored key set document names and is signed by.
func rootWithin(m memberRow) (core.RootKey, bool) {
	doc, err := seal.DecodeEnvelope(m.doc)
	if err != nil {
		return core.RootKey{}, false
	}
	payload, err := doc.Unverified()
	if err != nil {
		return core.RootKey{}, false
	}
	var s KeySet
	if wire.Decode(payload, &s) != nil {
		return core.RootKey{}, false
	}
	_, err = OpenKeySet(doc, m.id, s.Root)
	return s.Root, err == nil
}

// foundKeySet is a key set that holds under the pinned root key, zero = none.
type foundKeySet struct {
	keys KeySet
	doc  seal.Envelope
}

func (f foundKeySet) better(m memberRow, doc seal.Envelope) foundKeySet {
	if keys, err := OpenKeySet(doc, m.id, m.root); err == nil && keys.Version > f.keys.Version {
		return foundKeySet{keys, doc}
	}
	return f
}

// loggedKeySet is the newest key set in the entries we hold of a member.
func (r *Repairer) loggedKeySet(ctx context.Context, m memberRow) (foundKeySet, error) {
	var best foundKeySet
	docs, err := keySetEntries(ctx, r.st.DB, m.id)
	for _, data := range docs {
		var doc seal.Envelope
		if e, err := parseLeaf(m.id, 0, data); err == nil && wire.Decode(e.Body, &doc) == nil {
			best = best.better(m, doc)
		}
	}
	return best, err
}

// fetchKeySet asks the holders, side by side, for a key set that is newer.
func (r *Repairer) fetchKeySet(ctx context.Context, m memberRow, holders []holder, best foundKeySet) foundKeySet {
	ctx, cancel := context.WithTimeout(ctx, repairTime)
	defer cancel()
	got := make(chan seal.Envelope, len(holders))
	for _, at := range holders {
		go func() {
			doc, err := r.remote.sourceAt(at, string(m.id)).keySet(ctx)
			if err != nil {
				r.st.Log.Debug("no key set", "member", m.id, "error", fmt.Errorf("%s: %w", at.member, err))
			}
			got <- doc
		}()
	}
	for range holders {
		if best = best.better(m, <-got); best.keys.Version >= m.version {
			break
		}
	}
	return best
}
