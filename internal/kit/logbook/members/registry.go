package members

import (
	"context"
	"crypto/ed25519"
	"sync/atomic"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/store"
	"entrechat/internal/kit/seal"
)

// Registry is the members this node knows: where they are, under which keys, and what
// was proved against them.
type Registry struct {
	st       *store.Store
	followed atomic.Int64 // how often a member was followed
}

// New makes the registry of a store.
func New(st *store.Store) *Registry { return &Registry{st: st} }

// Followed grows with every member that this process begins to follow or finds at
// another address: whoever posts to neighbours looks again.
func (r *Registry) Followed() int64 { return r.followed.Load() }

func (r *Registry) member(m store.MemberRow, l store.LogRow) store.Member {
	return store.Member{
		ID: m.ID, URL: m.URL, Root: m.Root, Size: l.Base + l.Tree.N, Heard: l.Heard, Version: m.Version, Epoch: l.Epoch,
		State: format.StateOf(l.Heard, m.Forked != 0, r.st.Now()), Suspended: m.Forked,
	}
}

// Member is one member whose log we hold or wait for. Returns CodeNotFound.
func (r *Registry) Member(ctx context.Context, id core.MemberID) (store.Member, error) {
	m, err := store.GetMember(ctx, r.st.DB, id)
	if err != nil {
		return store.Member{}, err
	}
	l, err := store.CurrentLog(ctx, r.st.DB, id)
	if err != nil {
		return store.Member{}, err
	}
	return r.member(m, l), nil
}

// Known lists all members whose logs we hold or wait for, ourselves among them,
// by name.
func (r *Registry) Known(ctx context.Context) ([]store.Member, error) {
	all, err := store.KnownMembers(ctx, r.st.DB)
	now := r.st.Now()
	for i := range all {
		all[i].State = format.StateOf(all[i].Heard, all[i].Suspended != 0, now)
	}
	return all, err
}

// Roster is a cheap summary of who is followed and suspended.
func (r *Registry) Roster(ctx context.Context) (store.Roster, error) {
	return store.RosterNow(ctx, r.st.DB)
}

// Members are those of some members that are known, in no order: Known for a page that
// names a few.
func (r *Registry) Members(ctx context.Context, ids []core.MemberID) ([]store.Member, error) {
	out := make([]store.Member, 0, len(ids))
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
func (r *Registry) KeySet(ctx context.Context, id core.MemberID) (format.KeySet, seal.Envelope, error) {
	m, err := store.GetMember(ctx, r.st.DB, id)
	if err != nil {
		return format.KeySet{}, seal.Envelope{}, err
	}
	keys, err := m.KeySet()
	if err != nil {
		return format.KeySet{}, seal.Envelope{}, err
	}
	doc, err := seal.DecodeEnvelope(m.Doc)
	return keys, doc, err
}

// URL is where a member says it is. Returns CodeNotFound.
func (r *Registry) URL(ctx context.Context, id core.MemberID) (string, error) {
	m, err := store.GetMember(ctx, r.st.DB, id)
	return m.URL, err
}

// ReadingKey opens the document that a request brought: the key a member's root key lets
// read for now. Returns CodeNotFound for a stranger, CodeDenied for a document that does
// not hold, or no longer.
func (r *Registry) ReadingKey(ctx context.Context, id core.MemberID, doc []byte, now time.Time) (ed25519.PublicKey, error) {
	m, err := store.GetMember(ctx, r.st.DB, id)
	if err != nil {
		return nil, err
	}
	return format.OpenReadingKey(doc, id, m.Root, core.At(now))
}
