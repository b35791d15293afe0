package lending

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/shard"
)

// mayRead lets the owner through whatever became of its pact, whom it named as a reader, and whom
// its logbook names to take over.
// Who asks was proved by the peer kit with the keys the member has now, so an
// owner that lost every key but its root reads as soon as its new keys are known.
func (v view) mayRead(ctx context.Context, owner core.MemberID) error {
	if v.who == owner {
		return v.disk.ready()
	}
	may, err := v.isReader(ctx, owner)
	if err == nil && !may {
		may, err = v.isHeir(ctx, owner)
	}
	if err == nil && !may {
		err = core.Denied("vault.not_yours", fmt.Errorf("%s reads shards of %s", v.who, owner))
	}
	if err != nil {
		return err
	}
	return v.disk.ready()
}

// isReader says whether the owner's list of readers has the member.
func (v view) isReader(ctx context.Context, owner core.MemberID) (bool, error) {
	list, err := v.records.readers(ctx, owner)
	if errors.Is(err, db.ErrNoRow) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("readers of %s: %w", owner, err)
	}
	named, err := holder.StoredReaders(list)
	if err != nil {
		return false, fmt.Errorf("stored readers of %s: %w", owner, err)
	}
	return slices.Contains(named.Members, v.who), nil
}

// isHeir says whether the owner's logbook names the member.
func (v view) isHeir(ctx context.Context, owner core.MemberID) (bool, error) {
	if v.n.Heirs == nil {
		return false, nil
	}
	heirs, ok := v.n.Heirs()
	if !ok {
		return false, nil
	}
	return heirs.Names(ctx, owner, v.who)
}

// Get implements Reader.
func (v view) Get(ctx context.Context, ref holder.Ref, off, n int64) (io.ReadCloser, error) {
	p, err := v.open(ctx, ref, off, n)
	if err != nil {
		return nil, err
	}
	if ref.Root.IsZero() || off != 0 || p.length != ref.Length {
		return p, nil
	}
	return holder.VerifyWhole(p, ref, v.n.Signer.ID()), nil
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
func (v view) open(ctx context.Context, ref holder.Ref, off, n int64) (*part, error) {
	if err := v.mayRead(ctx, ref.Owner); err != nil {
		return nil, err
	}
	leave, err := v.reading.enter(v.who)
	if err != nil {
		return nil, err
	}
	f, head, err := v.openData(ctx, ref)
	if err != nil {
		leave()
		return nil, err
	}
	if n < 0 {
		n = head.Length - off
	}
	if off < 0 || n < 0 || off+n > head.Length {
		leave()
		return nil, errors.Join(holder.BadDocument("%d bytes from %d of %d", n, off, head.Length), f.Close())
	}
	if _, err := f.Seek(head.Size()+off, io.SeekStart); err != nil {
		leave()
		return nil, errors.Join(fmt.Errorf("seek in %s: %w", ref.Name(), err), f.Close())
	}
	return &part{Reader: io.LimitReader(f, n), length: n, file: f, leave: leave}, nil
}

// openData is openFile for who reads the data. A damaged head is noted, and the copy of
// it in the tables says where the data begins: that may be all there is left of it.
// Returns CodeNotFound (vault.shard_broken) when that does not help.
func (s *Store) openData(ctx context.Context, ref holder.Ref) (blob.File, shard.Head, error) {
	f, head, err := s.disk.openShard(fileOf(ref))
	if core.CodeOf(err) != core.CodeInvalid {
		return f, head, s.unread(ctx, ref, err)
	}
	s.n.Log.Error("the head of a shard is damaged", "owner", ref.Owner, "shard", ref.Name(), "error", err)
	r, err := find(ctx, s.records.db, ref)
	if err == nil {
		err = s.markBroken(ctx, ref)
	}
	if err == nil {
		head, err = r.parse()
	}
	if err != nil {
		return nil, shard.Head{}, errors.Join(broken(ref), err)
	}
	f, err = s.disk.open(fileOf(ref))
	return f, head, s.unread(ctx, ref, err)
}

// intact reads the file of a stored shard whole: head and data must be what came. Returns
// CodeInvalid or CodeNotFound when they are not; any other error is no verdict.
func (s *Store) intact(ctx context.Context, r row) error {
	head, tree, err := s.disk.verify(fileOf(r.ref()))
	if err != nil {
		return err
	}
	if _, err := r.parse(); err == nil && bytes.Equal(head.Bytes(), r.head) {
		if bytes.Equal(tree, r.tree) {
			return nil
		}
		return s.records.setTree(ctx, r.ref(), tree)
	}
	// Either copy of the head may be the damaged one; the signature says which.
	keys, err := s.n.Keys.Keys(ctx, r.owner)
	if err != nil {
		return busy(fmt.Sprintf("keys of %s: %s", r.owner, err)) // no verdict, whatever its code
	}
	if err := head.Verify(keys...); err != nil {
		return core.Invalid("vault.shard_broken", fmt.Errorf("head of %s: %w", r.ref().Name(), err))
	}
	s.n.Log.Warn("the row of a shard was damaged, its file is sound", "owner", r.owner, "shard", r.ref().Name())
	sound := rowOf(head, stateStored, r.received)
	sound.tree = tree
	return s.records.trust(ctx, sound)
}

// batch is how many rows are read at a time.
const batch = 200

// List implements Reader.
func (v view) List(ctx context.Context, owner core.MemberID, after string, limit int) (page holder.Page, err error) {
	if err := v.mayRead(ctx, owner); err != nil {
		return page, err
	}
	if limit <= 0 || limit > holder.MaxPage {
		limit = holder.MaxPage
	}
	object, index := "", 0
	if after != "" {
		hash, i, err := holder.ParseName(after)
		if err != nil {
			return page, err
		}
		object, index = hash.String(), i
	}
	if page.Used, err = v.records.used(ctx, owner); err != nil {
		return holder.Page{}, fmt.Errorf("used by %s: %w", owner, err)
	}
	for size := 0; len(page.Shards) < limit && (size < holder.PageBytes || len(page.Shards) == 0); {
		want := min(holder.PageBatch, limit-len(page.Shards))
		rows, err := v.records.page(ctx, owner, object, index, want)
		if err != nil {
			return holder.Page{}, fmt.Errorf("list shards of %s: %w", owner, err)
		}
		for _, r := range rows {
			size += len(r.head)
			object, index = r.object.String(), r.index
			// One damaged head would make the whole page unreadable.
			if head, err := r.parse(); err == nil {
				page.Shards = append(page.Shards, holder.Entry{Head: head, Received: r.received, Deleted: r.deleted})
			} else if err := v.markBroken(ctx, r.ref()); err != nil {
				return holder.Page{}, err
			}
		}
		if len(rows) < want {
			return page, nil
		}
	}
	page.Next = page.Shards[len(page.Shards)-1].Name()
	return page, nil
}

// Summary implements Summarizer.
func (v view) Summary(ctx context.Context, owner core.MemberID) (holder.Summary, error) {
	if err := v.mayRead(ctx, owner); err != nil {
		return nil, err
	}
	leave, err := v.reading.enter(v.who)
	if err != nil {
		return nil, err
	}
	defer leave()
	out := holder.Summary{}
	for _, prefix := range holder.Buckets() {
		refs, err := v.records.alive(ctx, owner, prefix)
		if err != nil {
			return nil, err
		}
		for _, ref := range refs {
			out.Add(ref)
		}
	}
	return out, nil
}

// Audit implements Reader. It reads the head and one holder.Subtree, when those of the shard are
// known, and counts what it reads in the day's budget of who asks.
func (v view) Audit(ctx context.Context, ref holder.Ref, off int64) (holder.Proof, error) {
	if err := v.mayRead(ctx, ref.Owner); err != nil {
		return holder.Proof{}, err
	}
	leave, err := v.reading.enter(v.who)
	if err != nil {
		return holder.Proof{}, err
	}
	defer leave()
	f, head, err := v.disk.openShard(fileOf(ref))
	if core.CodeOf(err) == core.CodeInvalid {
		return holder.Proof{}, v.broke(ctx, ref)
	}
	if err != nil {
		return holder.Proof{}, v.unread(ctx, ref, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	if off < 0 || off >= head.Length {
		return holder.Proof{}, holder.BadDocument("no byte %d in %d", off, head.Length)
	}
	trees, err := v.trees(ctx, ref, f, head)
	if core.CodeOf(err) == core.CodeInvalid {
		return holder.Proof{}, v.broke(ctx, ref)
	}
	if err != nil {
		return holder.Proof{}, v.unread(ctx, ref, err)
	}
	if err := v.spend(min(holder.Subtree, head.Length)); err != nil {
		return holder.Proof{}, err
	}
	proof, sound, err := holder.Prove(io.NewSectionReader(f, head.Size(), head.Length), head.Length, off, head.Root, trees)
	if err != nil {
		return holder.Proof{}, v.unread(ctx, ref, fmt.Errorf("audit %s: %w", ref.Name(), err))
	}
	if !sound {
		return holder.Proof{}, v.broke(ctx, ref)
	}
	return proof, nil
}

// trees answers the subtrees of a shard, nil for one of only one: from its row, or by
// reading it whole, once. Returns CodeInvalid for a shard that is broken.
func (v view) trees(ctx context.Context, ref holder.Ref, f io.ReaderAt, head shard.Head) (holder.Tree, error) {
	// Without a row, or a database, the data alone is proved.
	r, err := find(ctx, v.records.db, ref)
	hasRow := err == nil
	if hasRow && !bytes.Equal(head.Bytes(), r.head) {
		if err := v.spend(head.Length); err != nil {
			return nil, err
		}
		switch err := v.intact(ctx, r); core.CodeOf(err) {
		case "":
		case core.CodeInvalid, core.CodeNotFound:
			return nil, core.Invalid("vault.shard_broken", err)
		default:
			return nil, err
		}
	}
	if head.Length <= holder.Subtree {
		return nil, nil
	}
	if trees := holder.DecodeTree(r.tree, head.Length, head.Root); trees != nil {
		return trees, nil
	}
	if err := v.spend(head.Length); err != nil {
		return nil, err
	}
	hasher := &holder.TreeHasher{}
	if _, err := io.Copy(hasher, io.NewSectionReader(f, head.Size(), head.Length)); err != nil {
		return nil, fmt.Errorf("read %s: %w", ref.Name(), err)
	}
	root, trees := hasher.Sum()
	if root != head.Root {
		return nil, core.Invalid("vault.shard_broken", fmt.Errorf("%s is not what its head says", ref.Name()))
	}
	if hasRow {
		// The proof is good without; the next audit reads the whole again.
		if err := v.records.setTree(ctx, ref, trees.Encode()); err != nil {
			v.n.Log.Warn("the tree of a shard was not stored", "shard", ref.Name(), "error", err)
		}
	}
	return trees, nil
}

// broke marks a shard as broken and says so: we found our own disk out, and the owner hears it
// in the same breath.
func (s *Store) broke(ctx context.Context, ref holder.Ref) error {
	if err := s.markBroken(ctx, ref); err != nil {
		return err
	}
	return broken(ref)
}

func broken(ref holder.Ref) error {
	return core.NotFound("vault.shard_broken", fmt.Errorf("%s is not what its head says", ref.Name()))
}

// markBroken marks a shard as broken: it leaves the list, and its owner may send it
// again.
func (s *Store) markBroken(ctx context.Context, ref holder.Ref) error {
	changed, err := s.records.breakAt(ctx, ref, s.now())
	if changed {
		s.n.Log.Error("a shard broke on this disk", "owner", ref.Owner, "shard", ref.Name())
	}
	return s.disk.noRoom(err)
}
