package lending

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/shard"
)

// view is a Store that one member has come to.
type view struct {
	*Store
	who core.MemberID
}

var (
	_ holder.Holder     = view{}
	_ holder.Summarizer = view{}
)

// Put implements Writer.
func (v view) Put(ctx context.Context, head shard.Head, body io.Reader) (holder.Receipt, error) {
	return v.put(ctx, head, body, rand.Text())
}

// put keeps a shard and answers with a receipt for this nonce.
func (v view) put(ctx context.Context, head shard.Head, body io.Reader, nonce string) (holder.Receipt, error) {
	allowance, err := v.mayPut(ctx, head)
	if err == nil {
		err = v.disk.ready()
	}
	if err != nil {
		return holder.Receipt{}, err
	}
	leave, err := v.writing.enter(v.who)
	if err != nil {
		return holder.Receipt{}, err
	}
	defer leave()
	r := rowOf(head, stateReserved, v.now())
	r.until = allowance.Until
	old, err := v.reserve(ctx, r, allowance.Grant.Amount(holder.FieldBytes))
	switch {
	case errors.Is(err, errFull):
		return holder.Receipt{}, v.quotaFull(ctx, allowance.Grant.Amount(holder.FieldBytes))
	case db.IsDuplicate(err):
		return holder.Receipt{}, busy("the same shard is being sent twice")
	case err != nil:
		return holder.Receipt{}, v.disk.noRoom(fmt.Errorf("reserve %s: %w", head.Name(), err))
	case old.state != "" && old.state != stateBroken:
		return v.again(ctx, head, old, allowance.Until, nonce)
	}
	body = v.paces.reader(ctx, v.who, allowance.Grant.Amount(holder.FieldRate), body)
	if r.tree, err = v.disk.receive(ctx, head, body, old.state == stateBroken); err != nil {
		// The caller may be gone: that is no reason to keep its reservation.
		undo := v.records.drop(context.WithoutCancel(ctx), r.ref(), stateReserved)
		return holder.Receipt{}, errors.Join(err, undo)
	}
	r.received = v.now()
	v.unreads.clear(fileOf(r.ref()))
	// From here the shard is on disk, whoever still listens.
	if err := v.records.confirm(context.WithoutCancel(ctx), r); err != nil {
		return holder.Receipt{}, v.disk.noRoom(fmt.Errorf("confirm %s: %w", head.Name(), err))
	}
	return v.receipt(r, nonce)
}

// reserve is the store's, but for a row whose file is gone or damaged: its shard is
// received anew, or the receipt would lie.
func (v view) reserve(ctx context.Context, r row, limit int64) (row, error) {
	old, err := v.records.reserve(ctx, r, limit)
	if err != nil || old.state != stateStored {
		return old, err
	}
	if err := v.spend(old.length); err != nil {
		return old, err
	}
	switch err := v.intact(ctx, old); core.CodeOf(err) {
	case "":
		return v.records.reserve(ctx, r, limit) // the row as it is after that
	case core.CodeInvalid, core.CodeNotFound:
	default:
		return old, v.unread(ctx, r.ref(), err)
	}
	if err := v.markBroken(ctx, r.ref()); err != nil {
		return old, err
	}
	return v.records.reserve(ctx, r, limit)
}

// mayPut says whether the member may, with how much, and for how long we promise
// to keep.
func (v view) mayPut(ctx context.Context, head shard.Head) (core.Allowance, error) {
	if v.who != head.Owner {
		return core.Allowance{}, core.Denied("vault.not_yours", fmt.Errorf("%s sends a shard of %s", v.who, head.Owner))
	}
	allowance, err := v.n.Trust.May(ctx, v.who, holder.KindStore)
	if err != nil {
		return core.Allowance{}, err
	}
	if allowance.ReadOnly {
		return core.Allowance{}, core.Denied("vault.read_only", fmt.Errorf("%s may only read", v.who)).With("Member", v.n.Signer.ID())
	}
	keys, err := v.n.Keys.Keys(ctx, v.who)
	if err != nil {
		return core.Allowance{}, err
	}
	if err := head.Check(); err != nil {
		return core.Allowance{}, err
	}
	return allowance, head.Verify(keys...)
}

func (v view) quotaFull(ctx context.Context, limit int64) error {
	used, err := v.records.used(ctx, v.who)
	if err != nil {
		return err
	}
	return core.Full("vault.quota_full", fmt.Errorf("%s has %d of %d bytes", v.who, used, limit)).
		With("Member", v.n.Signer.ID()).With("Used", used).With("Limit", limit)
}

// again answers a shard whose name is taken: a fresh receipt when it is the same.
func (v view) again(ctx context.Context, head shard.Head, old row, until core.Moment, nonce string) (holder.Receipt, error) {
	had, err := old.parse()
	if err != nil {
		return holder.Receipt{}, err
	}
	if !had.Same(head.Header) {
		return holder.Receipt{}, core.Conflict("vault.other_shard", fmt.Errorf("%s is another shard already", head.Name()))
	}
	if old.state != stateStored {
		return holder.Receipt{}, busy("the same shard is " + old.state)
	}
	renewed, err := v.records.renew(ctx, old.ref(), until)
	if err != nil {
		return holder.Receipt{}, v.disk.noRoom(err)
	}
	if !renewed {
		return holder.Receipt{}, busy("the same shard is leaving or broke just now")
	}
	old.until = until
	return v.receipt(old, nonce)
}

// Delete implements Writer.
func (v view) Delete(ctx context.Context, t holder.Tombstone) (holder.Deletion, error) {
	// Made again from the document: a Tombstone somebody filled by hand proves nothing.
	t, err := holder.ReadTombstone(t.Document)
	if err != nil {
		return holder.Deletion{}, err
	}
	if t.Owner != v.who {
		return holder.Deletion{}, core.Denied("vault.not_yours", fmt.Errorf("%s deletes for %s", v.who, t.Owner))
	}
	out, err := v.records.delete(ctx, t, v.now())
	if err != nil {
		return holder.Deletion{}, v.disk.noRoom(err)
	}
	if len(out.Deleted) > 0 {
		v.n.Log.Info("shards deleted", "owner", v.who, "objects", len(out.Deleted), "later", len(out.Later))
	}
	return out, nil
}

// Undelete implements Writer.
func (v view) Undelete(ctx context.Context, objects []shard.Hash) (int, error) {
	if len(objects) == 0 || len(objects) > holder.MaxObjects {
		return 0, holder.BadDocument("%d objects, 1 to %d at a time", len(objects), holder.MaxObjects)
	}
	n, err := v.records.undelete(ctx, v.who, objects)
	return int(n), v.disk.noRoom(err)
}

// NameReaders implements Writer.
func (v view) NameReaders(ctx context.Context, r holder.Readers) error {
	keys, err := v.n.Keys.Keys(ctx, v.who)
	if err != nil {
		return err
	}
	if r, err = holder.ReadReaders(r.Document, v.who, keys); err != nil {
		return err
	}
	list, err := r.Document.Encode()
	if err != nil {
		return err
	}
	stale, err := v.staleReaders(ctx, keys)
	if err != nil {
		return err
	}
	newest, err := v.records.setReaders(ctx, r, list, stale)
	if err == nil && !newest {
		return core.Conflict("vault.old_document", fmt.Errorf("a newer list of %s is known", v.who))
	}
	return v.disk.noRoom(err)
}

// staleReaders is our list of the owner's when it was signed by a key that is none of the owner's any
// more; else nil. Whoever stole that key may have given it a time that no later list reaches.
func (v view) staleReaders(ctx context.Context, keys []ed25519.PublicKey) ([]byte, error) {
	list, err := v.records.readers(ctx, v.who)
	if errors.Is(err, db.ErrNoRow) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("readers of %s: %w", v.who, err)
	}
	named, err := holder.StoredReaders(list)
	if err == nil {
		_, err = holder.ReadReaders(named.Document, v.who, keys)
	}
	if err == nil {
		list = nil
	}
	return list, nil
}

func (s *Store) receipt(r row, nonce string) (holder.Receipt, error) {
	return holder.SignReceipt(holder.Receipt{
		Owner: r.owner, Object: r.object, Index: r.index, Root: r.root, Length: r.length,
		Received: r.received, Until: r.until, Nonce: nonce,
	}, s.n.Signer)
}
