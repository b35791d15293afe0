package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/shard"
)

// weighing settles one bucket at one member.
type weighing struct {
	*Comparison
	member core.MemberID
	seen   *seen
	known  map[string]catalogue.Known // those not listed yet
}

// change is what a list teaches about one shard.
type change struct {
	catalogue.Placement
	deleted core.Moment // when the member deleted it; zero = it has not
	alive   bool        // the object, here
	fresh   bool        // there is no row yet
}

// page goes through a part of the list. Only heads that we signed teach anything; the
// others are counted.
func (w *weighing) page(ctx context.Context, shards []holder.Entry) (strange int, err error) {
	var changes []change
	for _, held := range shards {
		k, ok := w.known[held.Name()]
		delete(w.known, held.Name())
		if held.Verify(w.Census.keys...) != nil || held.OwnerRoot != w.room.n.Root {
			strange++
			continue
		}
		if w.all {
			w.Census.count(w.member, held)
		}
		c, news := taught(k, held)
		if !ok {
			if c, news, err = w.unplaced(ctx, held); err != nil {
				return strange, err
			}
		}
		if news {
			changes = append(changes, c)
		}
	}
	return strange, w.apply(ctx, changes)
}

// taught is what a list changes in what the catalogue says of a shard.
func taught(k catalogue.Known, held holder.Entry) (c change, news bool) {
	if k.Root != held.Root || k.State == catalogue.Wrong || k.State == catalogue.Left {
		return c, false
	}
	alive := k.ObjectDeleted == 0
	news = k.State != catalogue.Stored || (k.Deleted == 0) != (held.Deleted == 0) || alive && held.Deleted != 0
	return change{k.Placement, held.Deleted, alive, false}, news
}

// unplaced deals with a shard of which the catalogue has no row: one of a known object
// is written down, another counted.
func (w *weighing) unplaced(ctx context.Context, held holder.Entry) (c change, news bool, err error) {
	o, err := w.room.store.Objects.Get(ctx, held.Object)
	if core.CodeOf(err) == core.CodeNotFound {
		if !w.all {
			w.Census.count(w.member, held)
		}
		if held.Deleted == 0 {
			w.seen.beyond = append(w.seen.beyond, stray{held.Object, held.Made})
		}
		return c, false, nil
	}
	if err != nil || o.Code.K > 1 && held.K != o.Code.K || held.K == 1 && held.Root != held.Object {
		return c, false, err
	}
	return change{catalogue.Placement{
		Object: held.Object, Index: held.Index, Member: w.member, Length: held.Length, Root: held.Root, Since: held.Received,
	}, held.Deleted, o.Deleted == 0, true}, true, nil
}

// apply writes changes down, and what follows for their objects. What the member deleted
// and nobody here removed is undeleted first.
func (w *weighing) apply(ctx context.Context, changes []change) error {
	if err := w.undelete(ctx, changes); err != nil || len(changes) == 0 {
		return err
	}
	changes, err := w.proven(ctx, changes)
	if err != nil {
		return err
	}
	r := w.room
	err = r.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, c := range changes {
			if err := w.note(ctx, q, c); err != nil {
				return err
			}
		}
		return nil
	})
	r.n.Work.Broadcast()
	return err
}

// proven leaves out the shards that were lost and that the member lists without having
// them: a list is a word, an audit a proof.
func (w *weighing) proven(ctx context.Context, changes []change) ([]change, error) {
	var out []change
	for _, c := range changes {
		if c.State == catalogue.Lost && (c.alive || c.deleted == 0) {
			err := w.room.n.Audit(ctx, c.Placement)
			if ctx.Err() != nil || core.CodeOf(err) == core.CodeUnsure {
				return nil, err
			}
			if err != nil {
				continue // noted as the member's trouble
			}
		}
		out = append(out, c)
	}
	return out, nil
}

func (w *weighing) note(ctx context.Context, q db.Querier, c change) error {
	c.State, c.Seen = catalogue.Stored, w.began
	var err error
	if c.fresh {
		err = w.room.store.Placements.PutUnknown(ctx, q, c.Placement)
	} else {
		err = w.room.store.Placements.SetState(ctx, q, c.Placement, catalogue.Stored, w.began)
	}
	if err != nil {
		return err
	}
	if c.alive {
		c.deleted = 0
	}
	if err := w.room.store.Placements.SetDeleted(ctx, q, c.Placement, c.deleted); err != nil {
		return err
	}
	_, _, err = w.room.pool.Restate(ctx, q, c.Object)
	return err
}

// undelete has the member bring back what it deleted and nobody here removed: this disk may
// be older than the removal, but a removal that is undone costs room and nothing else.
func (w *weighing) undelete(ctx context.Context, changes []change) error {
	var ids []shard.Hash
	for _, c := range changes {
		if c.alive && c.deleted != 0 && !slices.Contains(ids, c.Object) {
			ids = append(ids, c.Object)
		}
	}
	for batch := range slices.Chunk(ids, holder.MaxObjects) {
		n, err := w.room.n.Holder(w.member).Undelete(ctx, batch)
		if err != nil {
			return err
		}
		w.mu.Lock()
		w.undeleted += n
		w.mu.Unlock()
	}
	return nil
}

// blamed bounds how many missing shards of one member are each noted as a trouble.
const blamed = 100

// missing notes what the catalogue says the member has and its list does not. What it
// deleted of a removed object it may have freed: nobody's fault, and there no more.
func (w *weighing) missing(ctx context.Context) error {
	var freed []catalogue.Known
	for _, k := range w.known {
		if k.State != catalogue.Stored {
			continue
		}
		if k.ObjectDeleted != 0 {
			freed = append(freed, k)
			continue
		}
		if w.repo == "" || w.repo == k.Repo {
			w.seen.Lost++
		}
		if w.seen.Lost <= blamed {
			w.room.pool.Blame(ctx, k.Placement, core.NotFound("vault.no_shard", errors.New("not in its list")))
			continue
		}
		if err := w.room.pool.SetBelief(ctx, k.Placement, catalogue.Lost); err != nil {
			return err
		}
	}
	if err := w.freed(ctx, freed); err != nil {
		return err
	}
	return ctx.Err()
}

// freed notes that shards of removed objects are not there any more.
func (w *weighing) freed(ctx context.Context, all []catalogue.Known) error {
	for batch := range slices.Chunk(all, writeBatch) {
		err := w.room.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			for _, k := range batch {
				if err := w.room.store.Placements.SetState(ctx, q, k.Placement, catalogue.Lost, 0); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// takeIn writes what members hold and the catalogue lacks into it. Until that is done
// the front does not say "not found".
func (c *Comparison) takeIn(ctx context.Context) error {
	all := c.Census.ours(c.began)
	fresh, err := c.missed(ctx, all)
	if err != nil {
		return err
	}
	if len(fresh) > 0 {
		if err := c.room.store.Notes.Set(ctx, NoteBehind, behindMembers); err != nil {
			return err
		}
		c.room.n.Log.Warn("this disk is older than what members hold", "objects", len(fresh))
		if err := c.Census.write(ctx, fresh); err != nil {
			return err
		}
		for _, f := range fresh {
			c.Taken[f.o.ID] = true
		}
		if len(c.silent()) == 0 && c.room.everybody() {
			if err := c.room.store.Queue.RetryNow(ctx); err != nil {
				return err
			}
		}
	}
	if err := c.nameRepos(ctx, all); err != nil {
		return err
	}
	c.room.n.Work.Broadcast()
	return nil
}

// missed picks what has to be taken in: objects that the catalogue does not know, that
// can be read, and that are newer than all it knows, lie where an acknowledged one would,
// or that it once placed. The rest may be an upload that broke off, or one member's old disk.
func (c *Comparison) missed(ctx context.Context, all []*found) ([]*found, error) {
	var err error
	if c.newest, err = c.room.newestKnown(ctx); err != nil {
		return nil, err
	}
	var out []*found
	for _, f := range all {
		if !f.signed || f.o.Deleted != 0 || !f.readable() {
			continue
		}
		placed, err := c.room.store.Placements.Of(ctx, f.o.ID)
		if err != nil {
			return nil, err
		}
		if f.o.Made <= c.newest && membersOf(f) < f.o.Code.Enough() && len(placed) == 0 {
			continue
		}
		switch _, err := c.room.store.Objects.Get(ctx, f.o.ID); core.CodeOf(err) {
		case "":
		case core.CodeNotFound:
			out = append(out, f)
		default:
			return nil, err
		}
	}
	return out, nil
}

// nameRepos gives the repositories that have files and no row their row back, from the
// secrets on this disk, or from their record.
func (c *Comparison) nameRepos(ctx context.Context, all []*found) error {
	names, err := c.room.store.Repos.Unnamed(ctx)
	if err != nil || len(names) == 0 {
		return err
	}
	prunes := prunesOf(all)
	for _, name := range names {
		prune, ok := prunes[name]
		if !ok {
			c.room.n.Log.Warn("a backup has no row and no member showed its prune key", "repo", name)
			continue
		}
		if err := c.nameRepo(ctx, name, prune, all); err != nil {
			c.room.n.Log.Warn("a backup could not be named again", "repo", name, "error", err)
		}
	}
	return nil
}

func (c *Comparison) nameRepo(ctx context.Context, name string, prune shard.PruneKey, all []*found) error {
	r := c.room
	repo := catalogue.Repo{Name: name, Prune: prune, Made: c.began}
	key, err := keyring.ReadIdentity(r.keyring.Path(name, keyring.Identity))
	if err != nil {
		return err
	}
	repo.Recipient = key.Recipient().String()
	for kind, hash := range map[keyring.Kind]*string{keyring.AppendToken: &repo.AppendHash, keyring.ReadToken: &repo.ReadHash} {
		text, err := r.keyring.Secret(name, kind)
		if err != nil {
			return err
		}
		t, err := keyring.ParseToken(text)
		if err != nil {
			return fmt.Errorf("%s token of %s: %w", kind, name, err)
		}
		*hash = t.Hash()
	}
	for _, f := range all {
		if f.o.Repo == name {
			repo.Made = min(repo.Made, f.o.Made)
		}
	}
	return r.store.Repos.Add(ctx, repo)
}
