package holder

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/shard"
)

// Trust answers what we grant a member now; the trust room is one. CodeDenied is
// nothing.
type Trust interface {
	May(ctx context.Context, who core.MemberID, kind core.GrantKind) (core.Allowance, error)
}

// Keys gives the keys a member signs with now; the logbook is one.
type Keys interface {
	Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error)
}

// Needs is what a Local is made of.
type Needs struct {
	DB  *db.DB    // migrated with migrations.Files
	Dir *blob.Dir // <data>/store
	// Open opens one of its files for reading; nil = Dir does. Tests give a disk that has
	// bad sectors.
	Open   func(name string) (blob.File, error)
	Signer seal.Signer
	Trust  Trust
	Keys   Keys
	// Floor is the free space in bytes that stays free whatever was promised.
	Floor core.Size
	Now   func() time.Time
	Log   *slog.Logger
}

// Local is this node's own store of other members' shards. Safe for concurrent
// use; one process at a time may receive (Start), others may look.
type Local struct {
	n       Needs
	store   store
	writing *gate
	reading *gate
	paces   paces
	budgets budgets
	unreads unreads
	flying  atomic.Int64 // bytes reserved on the disk by uploads under way
}

// What one owner, and all of them, may have under way at once. A restore reads
// from many threads; an upload costs an fsync.
const (
	writesEach, writesAll = 8, 48
	readsEach, readsAll   = 32, 256
)

// New makes a Local. It touches neither disk nor tables; call Start before it
// receives.
func New(n Needs) *Local {
	return &Local{
		n: n, store: store{db: n.DB},
		writing: newGate(writesEach, writesAll), reading: newGate(readsEach, readsAll),
		paces:   paces{by: map[core.MemberID]*rate.Limiter{}},
		budgets: budgets{by: map[core.MemberID]*rate.Limiter{}},
		unreads: unreads{since: map[string]core.Moment{}},
	}
}

// Start gives back what an earlier process had reserved and not received. To be
// called by the one process that serves, before it does.
func (l *Local) Start(ctx context.Context) error {
	if err := l.ready(); err != nil {
		l.n.Log.Error("what is kept for others is not there", "error", err)
	}
	for {
		dead, err := l.store.inState(ctx, stateReserved, MaxPage)
		if err != nil {
			return fmt.Errorf("find dead reservations: %w", err)
		}
		if len(dead) == 0 {
			return nil
		}
		for _, r := range dead {
			if err := l.store.drop(ctx, r.ref(), stateReserved); err != nil {
				return fmt.Errorf("drop dead reservation: %w", err)
			}
		}
	}
}

// Used is how much a member has here, as it counts against its pact.
func (l *Local) Used(ctx context.Context, owner core.MemberID) (core.Size, error) {
	n, err := l.store.used(ctx, owner)
	return core.Size(n), err
}

// For is the store as one member sees it.
func (l *Local) For(who core.MemberID) Holder { return view{l, who} }

// view is a Local that one member has come to.
type view struct {
	*Local
	who core.MemberID
}

func (l *Local) now() core.Moment { return core.At(l.n.Now()) }

// newNonce is drawn for each request whose answer must be fresh.
func newNonce() string { return rand.Text() }

// Put implements Writer.
func (d view) Put(ctx context.Context, head shard.Head, body io.Reader) (Receipt, error) {
	return d.put(ctx, head, body, newNonce())
}

// put keeps a shard and answers with a receipt for this nonce.
func (d view) put(ctx context.Context, head shard.Head, body io.Reader, nonce string) (Receipt, error) {
	allowance, err := d.mayPut(ctx, head)
	if err == nil {
		err = d.ready()
	}
	if err != nil {
		return Receipt{}, err
	}
	leave, err := d.writing.enter(d.who)
	if err != nil {
		return Receipt{}, err
	}
	defer leave()
	r := rowOf(head, stateReserved, d.now())
	r.until = allowance.Until
	old, err := d.reserve(ctx, r, allowance.Grant.Bytes)
	switch {
	case errors.Is(err, errFull):
		return Receipt{}, d.quotaFull(ctx, allowance.Grant.Bytes)
	case db.IsDuplicate(err):
		return Receipt{}, busy("the same shard is being sent twice")
	case err != nil:
		return Receipt{}, d.noRoom(fmt.Errorf("reserve %s: %w", head.Name(), err))
	case old.state != "" && old.state != stateBroken:
		return d.again(ctx, head, old, allowance.Until, nonce)
	}
	body = d.paces.reader(ctx, d.who, allowance.Grant.RateBits, body)
	if r.tree, err = d.receive(ctx, head, body, old.state == stateBroken); err != nil {
		// The caller may be gone: that is no reason to keep its reservation.
		undo := d.store.drop(context.WithoutCancel(ctx), r.ref(), stateReserved)
		return Receipt{}, errors.Join(err, undo)
	}
	r.received = d.now()
	d.unreads.clear(r.ref().file())
	// From here the shard is on disk, whoever still listens.
	if err := d.store.confirm(context.WithoutCancel(ctx), r); err != nil {
		return Receipt{}, d.noRoom(fmt.Errorf("confirm %s: %w", head.Name(), err))
	}
	return d.receipt(r, nonce)
}

// reserve is the store's, but for a row whose file is gone or damaged: its shard is
// received anew, or the receipt would lie.
func (d view) reserve(ctx context.Context, r row, limit int64) (row, error) {
	old, err := d.store.reserve(ctx, r, limit)
	if err != nil || old.state != stateStored {
		return old, err
	}
	if err := d.spend(old.length); err != nil {
		return old, err
	}
	switch err := d.intact(ctx, old); core.CodeOf(err) {
	case "":
		return d.store.reserve(ctx, r, limit) // the row as it is after that
	case core.CodeInvalid, core.CodeNotFound:
	default:
		return old, d.unread(ctx, r.ref(), err)
	}
	if err := d.markBroken(ctx, r.ref()); err != nil {
		return old, err
	}
	return d.store.reserve(ctx, r, limit)
}

// mayPut says whether the member may, with how much, and for how long we promise
// to keep.
func (d view) mayPut(ctx context.Context, head shard.Head) (core.Allowance, error) {
	if d.who != head.Owner {
		return core.Allowance{}, core.Denied("vault.not_yours", fmt.Errorf("%s sends a shard of %s", d.who, head.Owner))
	}
	allowance, err := d.n.Trust.May(ctx, d.who, core.GrantStore)
	if err != nil {
		return core.Allowance{}, err
	}
	if allowance.ReadOnly {
		return core.Allowance{}, core.Denied("vault.read_only", fmt.Errorf("%s may only read", d.who)).With("Member", d.n.Signer.ID())
	}
	keys, err := d.n.Keys.Keys(ctx, d.who)
	if err != nil {
		return core.Allowance{}, err
	}
	if err := head.Check(); err != nil {
		return core.Allowance{}, err
	}
	return allowance, head.Verify(keys...)
}

func (d view) quotaFull(ctx context.Context, limit int64) error {
	used, err := d.store.used(ctx, d.who)
	if err != nil {
		return err
	}
	return core.Full("vault.quota_full", fmt.Errorf("%s has %d of %d bytes", d.who, used, limit)).
		With("Member", d.n.Signer.ID()).With("Used", used).With("Limit", limit)
}

// noRoom gives a full disk its name, wherever it showed.
func (l *Local) noRoom(err error) error {
	if db.IsFull(err) || core.CodeOf(err) == core.CodeFull {
		return core.Full("vault.disk_full", err).With("Member", l.n.Signer.ID())
	}
	return err
}

// again answers a shard whose name is taken: a fresh receipt when it is the same.
func (d view) again(ctx context.Context, head shard.Head, old row, until core.Moment, nonce string) (Receipt, error) {
	had, err := old.parse()
	if err != nil {
		return Receipt{}, err
	}
	if !had.Same(head.Header) {
		return Receipt{}, core.Conflict("vault.other_shard", fmt.Errorf("%s is another shard already", head.Name()))
	}
	if old.state != stateStored {
		return Receipt{}, busy("the same shard is " + old.state)
	}
	renewed, err := d.store.renew(ctx, old.ref(), until)
	if err != nil {
		return Receipt{}, d.noRoom(err)
	}
	if !renewed {
		return Receipt{}, busy("the same shard is leaving or broke just now")
	}
	old.until = until
	return d.receipt(old, nonce)
}

func (l *Local) receipt(r row, nonce string) (Receipt, error) {
	return signReceipt(Receipt{
		Owner: r.owner, Object: r.object, Index: r.index, Root: r.root, Length: r.length,
		Received: r.received, Until: r.until, Nonce: nonce,
	}, l.n.Signer)
}

// Delete implements Writer.
func (d view) Delete(ctx context.Context, t Tombstone) (Deletion, error) {
	// Made again from the document: a Tombstone somebody filled by hand proves nothing.
	t, err := ReadTombstone(t.Document)
	if err != nil {
		return Deletion{}, err
	}
	if t.Owner != d.who {
		return Deletion{}, core.Denied("vault.not_yours", fmt.Errorf("%s deletes for %s", d.who, t.Owner))
	}
	out, err := d.store.delete(ctx, t, d.now())
	if err != nil {
		return Deletion{}, d.noRoom(err)
	}
	if len(out.Deleted) > 0 {
		d.n.Log.Info("shards deleted", "owner", d.who, "objects", len(out.Deleted), "later", len(out.Later))
	}
	return out, nil
}

// Undelete implements Writer.
func (d view) Undelete(ctx context.Context, objects []shard.Hash) (int, error) {
	if len(objects) == 0 || len(objects) > MaxObjects {
		return 0, invalid("%d objects, 1 to %d at a time", len(objects), MaxObjects)
	}
	n, err := d.store.undelete(ctx, d.who, objects)
	return int(n), d.noRoom(err)
}

// NameReaders implements Writer.
func (d view) NameReaders(ctx context.Context, r Readers) error {
	keys, err := d.n.Keys.Keys(ctx, d.who)
	if err != nil {
		return err
	}
	if r, err = ReadReaders(r.Document, d.who, keys); err != nil {
		return err
	}
	list, err := r.Document.Encode()
	if err != nil {
		return err
	}
	newest, err := d.store.setReaders(ctx, r, list)
	if err == nil && !newest {
		return core.Conflict("vault.old_document", fmt.Errorf("a newer list of %s is known", d.who))
	}
	return d.noRoom(err)
}

func busy(why string) error { return core.Unsure("vault.busy", errors.New(why)) }
