package logbook

import (
	"context"
	"crypto/ed25519"
	"sync/atomic"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// Registry is the members this node knows: where they are, under which keys, and what
// was proved against them.
type Registry struct {
	st       *Store
	followed atomic.Int64 // how often a member was followed
}

// NewRegistry makes the registry of a store.
func NewRegistry(st *Store) *Registry { return &Registry{st: st} }

// Followed grows with every member that this process begins to follow or finds at
// another address: whoever posts to neighbours looks again.
func (r *Registry) Followed() int64 { return r.followed.Load() }

func (r *Registry) member(m memberRow, l logRow) Member {
	return Member{
		ID: m.id, URL: m.url, Root: m.root, Size: l.base + l.tree.N, Heard: l.heard, Version: m.version, Epoch: l.epoch,
		State: stateOf(l.heard, m.forked != 0, r.st.Now()), Suspended: m.forked,
	}
}

// Member is one member whose log we hold or wait for. Returns CodeNotFound.
func (r *Registry) Member(ctx context.Context, id core.MemberID) (Member, error) {
	m, err := getMember(ctx, r.st.DB, id)
	if err != nil {
		return Member{}, err
	}
	l, err := currentLog(ctx, r.st.DB, id)
	if err != nil {
		return Member{}, err
	}
	return r.member(m, l), nil
}

// Known lists all members whose logs we hold or wait for, ourselves among them,
// by name.
func (r *Registry) Known(ctx context.Context) ([]Member, error) {
	all, err := knownMembers(ctx, r.st.DB)
	now := r.st.Now()
	for i := range all {
		all[i].State = stateOf(all[i].Heard, all[i].Suspended != 0, now)
	}
	return all, err
}

// Members are those of some members that are known, in no order: Known for a page that
// names a few.
func (r *Registry) Members(ctx context.Context, ids []core.MemberID) ([]Member, error) {
	out := make([]Member, 0, len(ids))
	for _, id := range ids {
		switch m, err := r.Member(ctx, id); core.CodeOf(err) {
		case "":
			out = append(out, m)
		case core.CodeNotFound:
		default:
			return nil, err
		}
	}
	return out, nil
}

// Keys are the keys a member signs requests and documents with now. Returns
// CodeNotFound for a stranger, or while no key set of it has come.
func (r *Registry) Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	keys, _, err := r.KeySet(ctx, id)
	return keys.Good(), err
}

// KeySet is a member's newest key set with its document. Codes as for Keys.
func (r *Registry) KeySet(ctx context.Context, id core.MemberID) (KeySet, seal.Envelope, error) {
	m, err := getMember(ctx, r.st.DB, id)
	if err != nil {
		return KeySet{}, seal.Envelope{}, err
	}
	keys, err := m.keySet()
	if err != nil {
		return KeySet{}, seal.Envelope{}, err
	}
	doc, err := seal.DecodeEnvelope(m.doc)
	return keys, doc, err
}

// URL is where a member says it is. Returns CodeNotFound.
func (r *Registry) URL(ctx context.Context, id core.MemberID) (string, error) {
	m, err := getMember(ctx, r.st.DB, id)
	return m.url, err
}

// ReadingKey opens the document that a request brought: the key a member's root key lets
// read for now. Returns CodeNotFound for a stranger, CodeDenied for a document that does
// not hold, or no longer.
func (r *Registry) ReadingKey(ctx context.Context, id core.MemberID, doc []byte, now time.Time) (ed25519.PublicKey, error) {
	m, err := getMember(ctx, r.st.DB, id)
	if err != nil {
		return nil, err
	}
	return openReadingKey(doc, id, m.root, core.At(now))
}
