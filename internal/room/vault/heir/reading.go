package heir

import (
	"context"
	"errors"
	"io"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/shard"
)

// whomToAsk are the members of the pointer, and all others that we know: holders change.
func (h *Heirs) whomToAsk(ctx context.Context, p Pointer) ([]recovery.Contact, error) {
	known, err := h.n.Contacts(ctx)
	if err != nil {
		return nil, err
	}
	if h.n.Lending != nil {
		known = append(known, recovery.Contact{ID: h.n.Signer.ID()})
	}
	out := make([]recovery.Contact, 0, len(known))
	for _, c := range known {
		c.Lends = p.has(c.ID)
		out = append(out, c)
	}
	for _, m := range p.Members {
		if !slices.ContainsFunc(out, func(c recovery.Contact) bool { return c.ID == m.Member }) {
			out = append(out, recovery.Contact{ID: m.Member, URL: m.URL, Lends: true})
		}
	}
	return out, nil
}

func (p Pointer) has(id core.MemberID) bool {
	return slices.ContainsFunc(p.Members, func(m Place) bool { return m.Member == id })
}

// readingAt is a member's store, or our own, for reading alone.
func (h *Heirs) readingAt(p Pointer, id core.MemberID) holder.Holder {
	if id == h.n.Signer.ID() && h.n.Lending != nil {
		return reading{h.n.Lending.For(id), p.has(id)}
	}
	return reading{h.n.Holder(id), p.has(id)}
}

// reading lets nothing be changed. One that the pointer does not name need not let us read: it
// most often holds nothing.
type reading struct {
	holder.Reader
	named bool
}

// List implements holder.Reader.
func (r reading) List(ctx context.Context, owner core.MemberID, after string, limit int) (holder.Page, error) {
	page, err := r.Reader.List(ctx, owner, after, limit)
	if !r.named && after == "" && err != nil {
		return holder.Page{}, ctx.Err()
	}
	return page, err
}

func changes() error { return core.Denied("vault.heir_reads", errors.New("an heir changes nothing")) }

// Put implements holder.Writer: it refuses.
func (reading) Put(context.Context, shard.Head, io.Reader) (holder.Receipt, error) {
	return holder.Receipt{}, changes()
}

// Delete implements holder.Writer: it refuses.
func (reading) Delete(context.Context, holder.Tombstone) (holder.Deletion, error) {
	return holder.Deletion{}, changes()
}

// Undelete implements holder.Writer: it refuses.
func (reading) Undelete(context.Context, []shard.Hash) (int, error) { return 0, changes() }

// NameReaders implements holder.Writer: it refuses.
func (reading) NameReaders(context.Context, holder.Readers) error { return changes() }
