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
	DB     *db.DB    // migrated with migrations.Files
	Dir    *blob.Dir // <data>/store
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
	flying  atomic.Int64 // bytes reserved on the disk by uploads under way
}

// What one owner, and all of them, may have under way at once. A restore reads
// from many threads; an upload costs an fsync.
const (
	writesEach, writesAll = 8, 48
	readsEach, readsAll   = 32, 256
)

// slowest is the rate in bytes per second below which an upload is cut: a place
// must come free again even when its owner has a bad day.
const slowest = 16 << 10

// New makes a Local. It touches neither disk nor tables; call Start before it
// receives.
func New(n Needs) *Local {
	return &Local{
		n: n, store: store{db: n.DB},
		writing: newGate(writesEach, writesAll), reading: newGate(readsEach, readsAll),
	}
}

// Start gives back what an earlier process had reserved and not received. To be
// called by the one process that serves, before it does.
func (l *Local) Start(ctx context.Context) error {
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

// For is the store as one member sees it.
func (l *Local) For(who core.MemberID) Holder { return desk{l, who} }

// desk is a Local that one member has come to.
type desk struct {
	*Local
	who core.MemberID
}

func (l *Local) now() core.Moment { return core.At(l.n.Now()) }

// newNonce is drawn for each request whose answer must be fresh.
func newNonce() string { return rand.Text() }

// Put implements Writer.
func (d desk) Put(ctx context.Context, head shard.Head, body io.Reader) (Receipt, error) {
	return d.put(ctx, head, body, newNonce())
}

// put keeps a shard and answers with a receipt for this nonce.
func (d desk) put(ctx context.Context, head shard.Head, body io.Reader, nonce string) (Receipt, error) {
	keep, limit, err := d.mayPut(ctx, head)
	if err != nil {
		return Receipt{}, err
	}
	leave, err := d.writing.enter(d.who)
	if err != nil {
		return Receipt{}, err
	}
	defer leave()
	r := rowOf(head, stateReserved, d.now())
	r.keep = keep
	old, err := d.reserve(ctx, r, limit)
	switch {
	case errors.Is(err, errFull):
		return Receipt{}, d.quotaFull(ctx, limit)
	case db.IsDuplicate(err):
		return Receipt{}, busy("the same shard is being sent twice")
	case err != nil:
		return Receipt{}, d.noRoom(fmt.Errorf("reserve %s: %w", head.Name(), err))
	case old.state != "" && old.state != stateBroken:
		return d.again(ctx, head, old, keep, nonce)
	}
	if err := d.receive(ctx, head, body, old.state == stateBroken); err != nil {
		// The caller may be gone: that is no reason to keep its reservation.
		undo := d.store.drop(context.WithoutCancel(ctx), r.ref(), stateReserved)
		return Receipt{}, errors.Join(err, undo)
	}
	r.received = d.now()
	// From here the shard is on disk, whoever still listens.
	if err := d.store.confirm(context.WithoutCancel(ctx), r); err != nil {
		return Receipt{}, d.noRoom(fmt.Errorf("confirm %s: %w", head.Name(), err))
	}
	return d.receipt(r, nonce)
}

// reserve is the store's, but for a row whose file somebody took away: its shard
// is received anew, or the receipt would lie.
func (d desk) reserve(ctx context.Context, r row, limit int64) (row, error) {
	old, err := d.store.reserve(ctx, r, limit)
	if err != nil || old.state != stateHeld {
		return old, err
	}
	info, err := d.n.Dir.Stat(r.ref().file())
	if err == nil && info.Size() == old.bytes {
		return old, nil
	}
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return old, err
	}
	if err := d.condemn(ctx, r.ref()); err != nil {
		return old, err
	}
	return d.store.reserve(ctx, r, limit)
}

// mayPut says whether the member may, how long we promise to keep, and its quota.
func (d desk) mayPut(ctx context.Context, head shard.Head) (keep core.Moment, limit int64, err error) {
	if d.who != head.Owner {
		return 0, 0, core.Denied("vault.not_yours", fmt.Errorf("%s sends a shard of %s", d.who, head.Owner))
	}
	allowance, err := d.n.Trust.May(ctx, d.who, core.GrantStore)
	if err != nil {
		return 0, 0, err
	}
	if allowance.ReadOnly {
		return 0, 0, core.Denied("vault.read_only", fmt.Errorf("%s may only read", d.who)).With("Member", d.n.Signer.ID())
	}
	keys, err := d.n.Keys.Keys(ctx, d.who)
	if err != nil {
		return 0, 0, err
	}
	if err := head.Check(); err != nil {
		return 0, 0, err
	}
	if err := head.Verify(keys...); err != nil {
		return 0, 0, err
	}
	return allowance.Until, allowance.Grant.Bytes, nil
}

func (d desk) quotaFull(ctx context.Context, limit int64) error {
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
func (d desk) again(ctx context.Context, head shard.Head, old row, keep core.Moment, nonce string) (Receipt, error) {
	had, err := shard.Parse(old.head)
	if err != nil {
		return Receipt{}, fmt.Errorf("stored head of %s: %w", head.Name(), err)
	}
	if !had.Same(head.Header) {
		return Receipt{}, core.Conflict("vault.other_shard", fmt.Errorf("%s is another shard already", head.Name()))
	}
	if old.state != stateHeld {
		return Receipt{}, busy("the same shard is " + old.state)
	}
	if err := d.store.renew(ctx, old.ref(), keep); err != nil {
		return Receipt{}, d.noRoom(err)
	}
	old.keep = keep
	return d.receipt(old, nonce)
}

func (l *Local) receipt(r row, nonce string) (Receipt, error) {
	return signReceipt(Receipt{
		Owner: r.owner, Object: r.object, Index: r.index, Root: r.root, Length: r.length,
		Received: r.received, Keep: r.keep, Nonce: nonce,
	}, l.n.Signer)
}

// receive streams a shard to the disk. Its file has its name only once the data
// was seen to be what the head says; fsync and rename are the blob kit's.
func (l *Local) receive(ctx context.Context, head shard.Head, body io.Reader, replace bool) error {
	need := head.Size() + head.Length
	defer l.flying.Add(-need)
	flying := l.flying.Add(need)
	free, err := l.n.Dir.Free()
	if err != nil {
		return fmt.Errorf("free space: %w", err)
	}
	if int64(free)-flying < int64(l.n.Floor) {
		return core.Full("vault.disk_full", fmt.Errorf("%d bytes free, %d to come, floor %d", free, flying, l.n.Floor)).
			With("Member", l.n.Signer.ID())
	}
	ctx, cancel := context.WithTimeout(ctx, timeFor(head.Length))
	defer cancel()
	name := RefOf(head.Header).file()
	if replace {
		if err := l.discard(name); err != nil {
			return err
		}
	}
	_, err = l.n.Dir.Put(ctx, name, newVerified(ctx, head, body))
	if core.CodeOf(err) == core.CodeConflict {
		return l.already(ctx, head, name, body)
	}
	return l.noRoom(err)
}

// already looks at a file that has no row: a crash came between rename and
// confirm, or the tables are being made again. What it should be, it is; what it
// should not be, makes room.
func (l *Local) already(ctx context.Context, head shard.Head, name string, body io.Reader) error {
	had, err := l.verifyFile(name)
	if err == nil && had.Same(head.Header) {
		return nil
	}
	if err == nil {
		return core.Conflict("vault.other_shard", fmt.Errorf("%s is another shard already", head.Name()))
	}
	if core.CodeOf(err) != core.CodeInvalid {
		return err
	}
	if err := l.discard(name); err != nil {
		return err
	}
	_, err = l.n.Dir.Put(ctx, name, newVerified(ctx, head, body))
	return l.noRoom(err)
}

// verified is the file of a shard on its way to the disk: the head, then exactly
// the data the head promises. It ends in an error, never in io.EOF, when the data is anything else.
type verified struct {
	ctx    context.Context //nolint:containedctx // a reader has no other way to learn of it
	head   shard.Head
	lines  []byte
	body   io.Reader
	left   int64
	hasher *shard.Hasher
}

func newVerified(ctx context.Context, head shard.Head, body io.Reader) io.Reader {
	return &verified{ctx: ctx, head: head, lines: head.Bytes(), body: body, left: head.Length, hasher: shard.NewHasher()}
}

// Read implements io.Reader.
func (v *verified) Read(p []byte) (int, error) {
	if err := v.ctx.Err(); err != nil {
		return 0, core.Unsure("vault.too_slow", fmt.Errorf("receive %s: %w", v.head.Name(), err))
	}
	if len(v.lines) > 0 {
		n := copy(p, v.lines)
		v.lines = v.lines[n:]
		return n, nil
	}
	if v.left == 0 {
		return 0, v.end()
	}
	n, err := v.body.Read(p[:min(int64(len(p)), v.left)])
	v.left -= int64(n)
	_, _ = v.hasher.Write(p[:n])
	if errors.Is(err, io.EOF) && v.left == 0 {
		err = nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return n, core.Invalid("vault.bad_bytes", fmt.Errorf("receive %s, %d bytes missing: %w", v.head.Name(), v.left, err))
	}
	return n, nil
}

func (v *verified) end() error {
	var more [1]byte
	if n, _ := io.ReadFull(v.body, more[:]); n > 0 {
		return core.Invalid("vault.bad_bytes", fmt.Errorf("%s: more than %d bytes", v.head.Name(), v.head.Length))
	}
	if v.hasher.Sums() != (shard.Sums{Root: v.head.Root, SHA256: v.head.SHA256}) {
		return core.Invalid("vault.bad_bytes", fmt.Errorf("%s: data is not what its head says", v.head.Name()))
	}
	return io.EOF
}

// Bury implements Writer.
func (d desk) Bury(ctx context.Context, t Tombstone) (Burial, error) {
	// Made again from the document: a Tombstone somebody filled by hand proves nothing.
	t, err := ReadTombstone(t.Document)
	if err != nil {
		return Burial{}, err
	}
	if t.Owner != d.who {
		return Burial{}, core.Denied("vault.not_yours", fmt.Errorf("%s buries for %s", d.who, t.Owner))
	}
	out, err := d.store.bury(ctx, t, d.now())
	if err != nil {
		return Burial{}, d.noRoom(err)
	}
	if len(out.Buried) > 0 {
		d.n.Log.Info("shards buried", "owner", d.who, "objects", len(out.Buried), "later", len(out.Later))
	}
	return out, nil
}

// Unbury implements Writer.
func (d desk) Unbury(ctx context.Context, objects []shard.Hash) (int, error) {
	if len(objects) == 0 || len(objects) > MaxBurial {
		return 0, invalid("%d objects, 1 to %d at a time", len(objects), MaxBurial)
	}
	n, err := d.store.unbury(ctx, d.who, objects)
	return int(n), d.noRoom(err)
}

// NameReaders implements Writer.
func (d desk) NameReaders(ctx context.Context, r Readers) error {
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
