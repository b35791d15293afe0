package logbook

import (
	"context"
	"crypto/ed25519"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/mirror"
	"entrechat/internal/kit/logbook/store"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

// Member is one member whose log we hold or wait for. Returns CodeNotFound.
func (b *Book) Member(ctx context.Context, id core.MemberID) (store.Member, error) {
	return b.reg.Member(ctx, id)
}

// Known lists all members whose logs we hold or wait for, ourselves among them,
// by name.
func (b *Book) Known(ctx context.Context) ([]store.Member, error) { return b.reg.Known(ctx) }

// Members are those of some members that are known, in no order: Known for a page that
// names a few.
func (b *Book) Members(ctx context.Context, ids []core.MemberID) ([]store.Member, error) {
	return b.reg.Members(ctx, ids)
}

// Roster tells cheaply whether who is followed, or suspended, changed.
func (b *Book) Roster(ctx context.Context) (store.Roster, error) { return b.reg.Roster(ctx) }

// Keys are the keys a member signs requests and documents with now. Returns
// CodeNotFound for a stranger, or while no key set of it has come.
func (b *Book) Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	return b.reg.Keys(ctx, id)
}

// KeySet is a member's newest key set with its document. Codes as for Keys.
func (b *Book) KeySet(ctx context.Context, id core.MemberID) (format.KeySet, seal.Envelope, error) {
	return b.reg.KeySet(ctx, id)
}

// URL is where a member says it is. Returns CodeNotFound.
func (b *Book) URL(ctx context.Context, id core.MemberID) (string, error) { return b.reg.URL(ctx, id) }

// ReadingKey opens the document that a request brought: the key a member's root key lets
// read for now. Returns CodeNotFound for a stranger, CodeDenied for a document that does
// not hold, or no longer.
func (b *Book) ReadingKey(ctx context.Context, id core.MemberID, doc []byte, now time.Time) (ed25519.PublicKey, error) {
	return b.reg.ReadingKey(ctx, id, doc, now)
}

// Entries reads at most limit verified entries of a member from an Index on, over
// all its epochs; leaves nobody can read are passed over.
func (b *Book) Entries(ctx context.Context, id core.MemberID, from int64, limit int) ([]format.Entry, error) {
	return b.st.Entries(ctx, id, from, limit)
}

// Entry is one entry of a member by its Index. Returns CodeNotFound, or
// CodeInvalid when nobody can read it.
func (b *Book) Entry(ctx context.Context, id core.MemberID, index int64) (format.Entry, error) {
	return b.st.Entry(ctx, id, index)
}

// Verify recomputes every tree of a member from the stored entries and compares it
// with the stored tiles and the signed head. It answers how many entries it
// checked. Returns CodeInternal (logbook.damaged) naming what does not match,
// CodeNotFound for a stranger or when nothing has come yet.
func (b *Book) Verify(ctx context.Context, id core.MemberID) (int64, error) {
	return b.st.Verify(ctx, id)
}

// Deliver tells every reader what is new. One log's trouble does not stop another
// log, nor one reader another.
func (b *Book) Deliver(ctx context.Context, readers []Reader) error {
	return b.delivery.deliver(ctx, readers)
}

// Push posts our own new entries, or our freshly signed head, to the fixed
// neighbours and to the members the entries name.
func (b *Book) Push(ctx context.Context) error { return b.parts.Pusher.Push(ctx) }

// Pull is one round: ask neighbours what changed and fetch what we follow.
func (b *Book) Pull(ctx context.Context) error { return b.parts.Exchange.Pull(ctx) }

// PullFrom asks one member what changed since we last asked, and takes what we
// follow; wait lets it hold its answer until something changes. Trouble with one
// log does not stop the others. Returns CodeUnsure when the member does not
// answer, CodeInvalid when its answer makes no sense, CodeNotFound.
func (b *Book) PullFrom(ctx context.Context, id core.MemberID, wait time.Duration) error {
	return b.parts.Exchange.PullFrom(ctx, id, wait)
}

// Contacts lists the members we exchange with, the nearest first.
func (b *Book) Contacts(ctx context.Context) ([]mirror.Contact, error) {
	return b.parts.Contacts.List(ctx)
}

// Discover reads who a node is from its address. Nothing says yet that it is who
// you think: compare the fingerprint of Root. Returns CodeInvalid when the answer
// does not hold together, CodeUnsure when there is none.
func (b *Book) Discover(ctx context.Context, address string) (format.WellKnown, error) {
	return b.parts.Remote.Discover(ctx, address)
}

// Adopt follows a member whose root key people confirmed, with the key set it
// showed, and fetches its log if it answers now; otherwise the exchange will.
// Codes as for Follow and Learn.
func (b *Book) Adopt(ctx context.Context, w format.WellKnown) error {
	return b.parts.Mirror.Adopt(ctx, w)
}

// Routes are the logbook's endpoints.
func (b *Book) Routes() []peer.Route { return b.server.Routes() }

var (
	_ peer.Keyring     = (*Book)(nil)
	_ peer.ReadingKeys = (*Book)(nil)
)
