package holder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/shard"
)

// ready says whether the store is there. Nothing is answered about shards while it is
// not: neither that they are here, nor that they are gone. Returns CodeUnsure
// (vault.store_away).
func (l *Local) ready() error {
	if err := l.n.Dir.Check(); err != nil {
		// Where it lies is for our own doctor to say, not for others.
		return core.Unsure("vault.store_away", errors.New("the store is away")).With("Member", l.n.Signer.ID())
	}
	return nil
}

// mayRead lets the owner through whatever became of its pact, and whom it named.
// Who asks was proved by the peer kit with the keys the member has now, so an
// owner that lost every key but its root reads as soon as its new keys are known.
func (d view) mayRead(ctx context.Context, owner core.MemberID) error {
	if d.who == owner {
		return d.ready()
	}
	denied := core.Denied("vault.not_yours", fmt.Errorf("%s reads shards of %s", d.who, owner))
	list, err := d.store.readers(ctx, owner)
	if errors.Is(err, db.ErrNoRow) {
		return denied
	}
	if err != nil {
		return fmt.Errorf("readers of %s: %w", owner, err)
	}
	named, err := storedReaders(list, owner)
	if err != nil {
		return err
	}
	if !slices.Contains(named.Members, d.who) {
		return denied
	}
	return d.ready()
}

// storedReaders reads a list whose signature was checked before it was stored.
func storedReaders(list []byte, owner core.MemberID) (Readers, error) {
	e, err := seal.DecodeEnvelope(list)
	if err != nil {
		return Readers{}, fmt.Errorf("stored readers of %s: %w", owner, err)
	}
	return unverifiedReaders(e)
}

// Get implements Reader.
func (d view) Get(ctx context.Context, ref Ref, off, n int64) (io.ReadCloser, error) {
	p, err := d.open(ctx, ref, off, n)
	if err != nil {
		return nil, err
	}
	if ref.Root.IsZero() || off != 0 || p.length != ref.Length {
		return p, nil
	}
	return newWhole(p, ref, d.n.Signer.ID()), nil
}

// part is a range of a shard's data, straight from the file: no table is asked for one
// whose head is sound, so that reads outlive a broken database.
type part struct {
	io.Reader
	length int64 // of the range
	file   blob.File
	leave  func()
}

// Close gives the file and the place back.
func (p *part) Close() error {
	defer p.leave()
	return p.file.Close()
}

// open finds the range n bytes from off; n < 0 is to the end.
func (d view) open(ctx context.Context, ref Ref, off, n int64) (*part, error) {
	if err := d.mayRead(ctx, ref.Owner); err != nil {
		return nil, err
	}
	leave, err := d.reading.enter(d.who)
	if err != nil {
		return nil, err
	}
	f, head, err := d.openData(ctx, ref)
	if err != nil {
		leave()
		return nil, err
	}
	if n < 0 {
		n = head.Length - off
	}
	if off < 0 || n < 0 || off+n > head.Length {
		leave()
		return nil, errors.Join(invalid("%d bytes from %d of %d", n, off, head.Length), f.Close())
	}
	if _, err := f.Seek(head.Size()+off, io.SeekStart); err != nil {
		leave()
		return nil, errors.Join(fmt.Errorf("seek in %s: %w", ref.Name(), err), f.Close())
	}
	return &part{Reader: io.LimitReader(f, n), length: n, file: f, leave: leave}, nil
}

// openFile opens a shard file and reads its head. Returns CodeNotFound
// (vault.no_shard), CodeInvalid for a file that is none.
func (l *Local) openFile(name string) (blob.File, shard.Head, error) {
	f, err := l.open(name)
	if errors.Is(err, fs.ErrNotExist) || core.CodeOf(err) == core.CodeNotFound {
		return nil, shard.Head{}, core.NotFound("vault.no_shard", fmt.Errorf("no shard %s", name))
	}
	if err != nil {
		return nil, shard.Head{}, fmt.Errorf("open shard: %w", err)
	}
	head, err := shard.Read(f)
	if err == nil && RefOf(head.Header).file() != name {
		err = core.Invalid("vault.bad_shard", fmt.Errorf("%s holds %s of %s", name, head.Name(), head.Owner))
	}
	if err != nil {
		return nil, shard.Head{}, errors.Join(err, f.Close())
	}
	return f, head, nil
}

// openData is openFile for who reads the data. A damaged head is noted, and the copy of
// it in the tables says where the data begins: that may be all there is left of it.
// Returns CodeNotFound (vault.shard_broken) when that does not help.
func (l *Local) openData(ctx context.Context, ref Ref) (blob.File, shard.Head, error) {
	f, head, err := l.openFile(ref.file())
	if core.CodeOf(err) != core.CodeInvalid {
		return f, head, l.unread(ctx, ref, err)
	}
	l.n.Log.Error("the head of a shard is damaged", "owner", ref.Owner, "shard", ref.Name(), "error", err)
	r, err := find(ctx, l.store.db, ref)
	if err == nil {
		err = l.markBroken(ctx, ref)
	}
	if err == nil {
		head, err = r.parse()
	}
	if err != nil {
		return nil, shard.Head{}, errors.Join(broken(ref), err)
	}
	f, err = l.open(ref.file())
	return f, head, l.unread(ctx, ref, err)
}

// intact reads the file of a stored shard whole: head and data must be what came. Returns
// CodeInvalid or CodeNotFound when they are not; any other error is no verdict.
func (l *Local) intact(ctx context.Context, r row) error {
	head, tree, err := l.verifyFile(r.ref().file())
	if err != nil {
		return err
	}
	if _, err := r.parse(); err == nil && bytes.Equal(head.Bytes(), r.head) {
		if bytes.Equal(tree, r.tree) {
			return nil
		}
		return l.store.setTree(ctx, r.ref(), tree)
	}
	// Either copy of the head may be the damaged one; the signature says which.
	keys, err := l.n.Keys.Keys(ctx, r.owner)
	if err != nil {
		return busy(fmt.Sprintf("keys of %s: %s", r.owner, err)) // no verdict, whatever its code
	}
	if err := head.Verify(keys...); err != nil {
		return core.Invalid("vault.shard_broken", fmt.Errorf("head of %s: %w", r.ref().Name(), err))
	}
	l.n.Log.Warn("the row of a shard was damaged, its file is sound", "owner", r.owner, "shard", r.ref().Name())
	sound := rowOf(head, stateStored, r.received)
	sound.tree = tree
	return l.store.trust(ctx, sound)
}

// verifyFile reads a shard file whole, and answers its head and subtrees. Returns
// CodeInvalid when the data is not what its head says.
func (l *Local) verifyFile(name string) (shard.Head, []byte, error) {
	f, head, err := l.openFile(name)
	if err != nil {
		return shard.Head{}, nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	if _, err := f.Seek(head.Size(), io.SeekStart); err != nil {
		return shard.Head{}, nil, fmt.Errorf("seek in %s: %w", name, err)
	}
	hasher := &treeHasher{}
	if _, err := io.Copy(hasher, f); err != nil {
		return shard.Head{}, nil, fmt.Errorf("read %s: %w", name, err)
	}
	root, trees := hasher.sum()
	if root != head.Root {
		return head, nil, core.Invalid("vault.shard_broken", fmt.Errorf("%s is not what its head says", name))
	}
	return head, encodeTree(trees), nil
}

// maxPageBytes bounds the heads in one page; a page may be short, never empty
// before the end.
const maxPageBytes = 4 << 20

// batch is how many rows are read at a time.
const batch = 200

// List implements Reader.
func (d view) List(ctx context.Context, owner core.MemberID, after string, limit int) (Page, error) {
	rows, page, err := d.list(ctx, owner, after, limit)
	if err != nil {
		return Page{}, err
	}
	for _, r := range rows {
		head, err := r.parse()
		if err != nil {
			return Page{}, err
		}
		page.Shards = append(page.Shards, Entry{Head: head, Received: r.received, Deleted: r.deleted})
	}
	return page, nil
}

// list reads the rows of a page; the page it returns has everything but Shards.
func (d view) list(ctx context.Context, owner core.MemberID, after string, limit int) (out []row, page Page, err error) {
	if err := d.mayRead(ctx, owner); err != nil {
		return nil, page, err
	}
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	object, index := "", 0
	if after != "" {
		hash, i, err := ParseName(after)
		if err != nil {
			return nil, page, err
		}
		object, index = hash.String(), i
	}
	if page.Used, err = d.store.used(ctx, owner); err != nil {
		return nil, page, fmt.Errorf("used by %s: %w", owner, err)
	}
	for size := 0; len(out) < limit && (size < maxPageBytes || len(out) == 0); {
		want := min(batch, limit-len(out))
		rows, err := d.store.page(ctx, owner, object, index, want)
		if err != nil {
			return nil, page, fmt.Errorf("list shards of %s: %w", owner, err)
		}
		for _, r := range rows {
			size += len(r.head)
			object, index = r.object.String(), r.index
			// One damaged head would make the whole page unreadable.
			if _, err := r.parse(); err == nil {
				out = append(out, r)
			} else if err := d.markBroken(ctx, r.ref()); err != nil {
				return nil, page, err
			}
		}
		if len(rows) < want {
			return out, page, nil
		}
	}
	page.Next = out[len(out)-1].ref().Name()
	return out, page, nil
}

// Audit implements Reader. It reads the head and one subtree, when those of the shard are
// known, and counts what it reads in the day's budget of who asks.
func (d view) Audit(ctx context.Context, ref Ref, off int64) (Proof, error) {
	if err := d.mayRead(ctx, ref.Owner); err != nil {
		return Proof{}, err
	}
	leave, err := d.reading.enter(d.who)
	if err != nil {
		return Proof{}, err
	}
	defer leave()
	f, head, err := d.openFile(ref.file())
	if core.CodeOf(err) == core.CodeInvalid {
		return Proof{}, d.broke(ctx, ref)
	}
	if err != nil {
		return Proof{}, d.unread(ctx, ref, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	if off < 0 || off >= head.Length {
		return Proof{}, invalid("no byte %d in %d", off, head.Length)
	}
	trees, err := d.trees(ctx, ref, f, head)
	if core.CodeOf(err) == core.CodeInvalid {
		return Proof{}, d.broke(ctx, ref)
	}
	if err != nil {
		return Proof{}, d.unread(ctx, ref, err)
	}
	if err := d.spend(min(subtree, head.Length)); err != nil {
		return Proof{}, err
	}
	proof, sound, err := prove(io.NewSectionReader(f, head.Size(), head.Length), head.Length, off, head.Root, trees)
	if err != nil {
		return Proof{}, d.unread(ctx, ref, fmt.Errorf("audit %s: %w", ref.Name(), err))
	}
	if !sound {
		return Proof{}, d.broke(ctx, ref)
	}
	return proof, nil
}

// trees answers the subtrees of a shard, nil for one of only one: from its row, or by
// reading it whole, once. Returns CodeInvalid for a shard that is broken.
func (d view) trees(ctx context.Context, ref Ref, f io.ReaderAt, head shard.Head) ([]value, error) {
	// Without a row, or a database, the data alone is proved.
	r, err := find(ctx, d.store.db, ref)
	hasRow := err == nil
	if hasRow && !bytes.Equal(head.Bytes(), r.head) {
		if err := d.spend(head.Length); err != nil {
			return nil, err
		}
		switch err := d.intact(ctx, r); core.CodeOf(err) {
		case "":
		case core.CodeInvalid, core.CodeNotFound:
			return nil, core.Invalid("vault.shard_broken", err)
		default:
			return nil, err
		}
	}
	if head.Length <= subtree {
		return nil, nil
	}
	if trees := decodeTree(r.tree, head.Length, head.Root); trees != nil {
		return trees, nil
	}
	if err := d.spend(head.Length); err != nil {
		return nil, err
	}
	hasher := &treeHasher{}
	if _, err := io.Copy(hasher, io.NewSectionReader(f, head.Size(), head.Length)); err != nil {
		return nil, fmt.Errorf("read %s: %w", ref.Name(), err)
	}
	root, trees := hasher.sum()
	if root != head.Root {
		return nil, core.Invalid("vault.shard_broken", fmt.Errorf("%s is not what its head says", ref.Name()))
	}
	if hasRow {
		// The proof is good without; the next audit reads the whole again.
		if err := d.store.setTree(ctx, ref, encodeTree(trees)); err != nil {
			d.n.Log.Warn("the tree of a shard was not kept", "shard", ref.Name(), "error", err)
		}
	}
	return trees, nil
}

// broke condemns a shard and says so: we found our own disk out, and the owner hears it
// in the same breath.
func (l *Local) broke(ctx context.Context, ref Ref) error {
	if err := l.markBroken(ctx, ref); err != nil {
		return err
	}
	return broken(ref)
}

func broken(ref Ref) error {
	return core.NotFound("vault.shard_broken", fmt.Errorf("%s is not what its head says", ref.Name()))
}

// markBroken marks a shard as broken: it leaves the list, and its owner may send it
// again.
func (l *Local) markBroken(ctx context.Context, ref Ref) error {
	changed, err := l.store.breakAt(ctx, ref, l.now())
	if changed {
		l.n.Log.Error("a shard broke on this disk", "owner", ref.Owner, "shard", ref.Name())
	}
	return l.noRoom(err)
}
