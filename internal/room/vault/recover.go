package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// writeBatch is how many objects one transaction writes.
const writeBatch = 500

// Recovered is what a recovery found.
type Recovered struct {
	Members []MemberFound `json:"members"`
	Backups []BackupFound `json:"backups"`
	Foreign int64         `json:"foreign"` // shards whose label our seed words do not open
}

// MemberFound is what one member had of ours.
type MemberFound struct {
	Member core.MemberID `json:"member"`
	Shards int64         `json:"shards"`
	Err    error         `json:"-"`
	Error  string        `json:"error,omitempty"` // empty = it answered to the end
}

// BackupFound is one backup that came back.
type BackupFound struct {
	Name       string `json:"name"`
	Files      int64  `json:"files"`
	Bytes      int64  `json:"bytes"`
	Incomplete int64  `json:"incomplete"` // files of which too few shards were found
	Password   bool   `json:"password"`   // restic's password came back too
}

// Recover rebuilds the catalogue from nothing but what the members hold: it asks
// every known member for our shards, opens their labels with the identity of the
// seed words, and takes passwords and older keys from the records it finds. It may
// be run again after an interruption, or when more members answer. say is told
// after each member. Returns CodeUnsure when no member answers.
func (r *Room) Recover(ctx context.Context, identity age.Identity, say func(MemberFound)) (Recovered, error) {
	if err := r.store.setNote(ctx, noteRecovering, r.n.Now().UTC().Format("2006-01-02 15:04")); err != nil {
		return Recovered{}, err
	}
	r.keys.identities = append(r.keys.identities, identity)
	c := &census{room: r, identity: identity, objects: map[shard.Hash]*found{}}
	out, err := c.askAll(ctx, say)
	if err != nil {
		return out, err
	}
	if err := c.write(ctx); err != nil {
		return out, err
	}
	if out.Backups, err = c.openRepos(ctx); err != nil {
		return out, err
	}
	out.Foreign = c.foreign
	return out, r.store.setNote(ctx, noteRecovering, "")
}

// census is what the members said they hold.
type census struct {
	room     *Room
	identity age.Identity

	mu      sync.Mutex
	objects map[shard.Hash]*found
	foreign int64
}

// found is one object and where its shards are.
type found struct {
	o       Object
	prune   shard.PruneKey
	places  []Placement
	graves  []core.Moment // when members buried their shards
	foreign bool          // its label is not ours to open
}

// askAll lists what every contact holds, all at once.
func (c *census) askAll(ctx context.Context, say func(MemberFound)) (Recovered, error) {
	contacts, err := c.room.n.Contacts(ctx)
	if err != nil {
		return Recovered{}, err
	}
	var out Recovered
	var all sync.WaitGroup
	answered := 0
	for _, contact := range contacts {
		all.Go(func() {
			m := MemberFound{Member: contact.ID}
			if m.Shards, m.Err = c.ask(ctx, contact.ID); m.Err != nil && ctx.Err() == nil {
				c.room.pool.bad(ctx, troubleOf(contact.ID, Placement{}, m.Err))
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if m.Err == nil {
				answered++
			} else {
				m.Error = m.Err.Error()
			}
			out.Members = append(out.Members, m)
			say(m)
		})
	}
	all.Wait()
	slices.SortFunc(out.Members, func(a, b MemberFound) int { return cmp.Compare(a.Member, b.Member) })
	if answered == 0 {
		return out, core.Unsure("vault.nobody_answers", fmt.Errorf("none of %d members answers", len(contacts))).With("Count", len(contacts))
	}
	return out, ctx.Err()
}

// ask pages through what one member holds of ours.
func (c *census) ask(ctx context.Context, member core.MemberID) (int64, error) {
	h := c.room.n.Holder(member)
	var total int64
	for after := ""; ; {
		page, err := h.List(ctx, c.room.n.Signer.ID(), after, holder.MaxPage)
		if err != nil {
			return total, err
		}
		for _, held := range page.Shards {
			c.count(member, held)
		}
		total += int64(len(page.Shards))
		if page.Next == "" {
			return total, nil
		}
		after = page.Next
	}
}

// count takes one shard into the census. Heads are not verified: the key that
// signed them may be lost with the disk, and the label, the object's id and age
// prove all that matters.
func (c *census) count(member core.MemberID, held holder.Held) {
	f := c.object(held)
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.foreign {
		c.foreign++
		return
	}
	// Cut with another code, the two do not mix; and a copy is what its name says.
	if held.K != f.o.Code.K || held.Sealed != f.o.Sealed || held.K == 1 && held.Root != held.Object {
		return
	}
	p := Placement{
		Object: held.Object, Index: held.Index, Member: member, Length: held.Length, Root: held.Root,
		State: Held, Held: held.Received, Seen: core.At(c.room.n.Now()),
	}
	if held.Buried != 0 {
		p.State, f.graves = Lost, append(f.graves, held.Buried)
	}
	f.places = append(f.places, p)
	f.o.Code.N = max(f.o.Code.N, held.N)
}

// object finds or opens the object of a shard. The first label that is ours names it:
// one that is not may be a lie. Opening a label takes a fraction of a
// millisecond and happens outside the lock, so members are counted in parallel.
func (c *census) object(held holder.Held) *found {
	c.mu.Lock()
	f, ok := c.objects[held.Object]
	c.mu.Unlock()
	if ok && !f.foreign {
		return f
	}
	f = &found{prune: held.Prune, o: Object{
		ID: held.Object, Sealed: held.Sealed, Code: held.Code(), Made: held.Made,
	}}
	l, err := openLabel(held.Label, c.identity)
	if err != nil || held.OwnerRoot != c.room.n.Root {
		f.foreign = true
	}
	f.o.Repo, f.o.File, f.o.Size = l.Repo, rest.Handle{Type: l.Type, Name: l.Name}, l.Size
	c.mu.Lock()
	defer c.mu.Unlock()
	if first, ok := c.objects[held.Object]; ok && (f.foreign || !first.foreign) {
		return first
	}
	c.objects[held.Object] = f
	return f
}

// write puts the census into the catalogue, in the order the objects were made,
// which is the order they were accepted in.
func (c *census) write(ctx context.Context) error {
	var all []*found
	for _, f := range c.objects {
		if !f.foreign {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b *found) int {
		return cmp.Or(cmp.Compare(a.o.Made, b.o.Made), slices.Compare(a.o.ID[:], b.o.ID[:]))
	})
	now := core.At(c.room.n.Now())
	alive := map[string]*found{}
	for _, f := range all {
		f.stand(now)
		if f.o.Buried != 0 {
			continue
		}
		// Of two forms of one file the later replaced the earlier, but never one that
		// can be read one that cannot: a form is sealed anew where members went away.
		name := f.o.Repo + "/" + f.o.File.String()
		switch other := alive[name]; {
		case other == nil:
			alive[name] = f
		case f.readable() || !other.readable():
			other.o.Buried, alive[name] = f.o.Made, f
		default:
			f.o.Buried = f.o.Made
		}
	}
	for batch := range slices.Chunk(all, writeBatch) {
		if err := c.room.store.adopt(ctx, batch); err != nil {
			return fmt.Errorf("write catalogue: %w", err)
		}
	}
	return nil
}

// settleDown is how long a recovered object waits before its missing shards are
// made anew: the members that did not answer may only be slow to come back.
const settleDown = 24 * time.Hour

// stand says where a found object stands. It was removed when most of its members
// buried it; a few of them may not have heard that it was brought back, or lie. Their
// shards are sent again, which raises them.
func (f *found) stand(now core.Moment) {
	if 2*len(f.graves) > len(f.places) {
		f.o.Buried = slices.Min(f.graves)
		for i := range f.places {
			f.places[i].State = Held
		}
	}
	f.o.State = stateOf(f.o.Code, effective(onlyHeld(f.places)))
	f.o.Safe = max(f.o.Made, 1)
	if f.o.State != Placed {
		f.o.Next = now.Add(settleDown)
	}
}

func (f *found) readable() bool { return losses(f.o.Code, effective(onlyHeld(f.places))) >= 0 }

// openRepos brings back the repositories: name, password, keys of earlier machines
// and new tokens.
func (c *census) openRepos(ctx context.Context) ([]BackupFound, error) {
	byName := map[string]*BackupFound{}
	prunes := map[string]shard.PruneKey{}
	var metas []*found
	for _, f := range c.objects {
		if f.foreign || f.o.Buried != 0 {
			continue
		}
		b := byName[f.o.Repo]
		if b == nil {
			b = &BackupFound{Name: f.o.Repo}
			byName[f.o.Repo] = b
		}
		prunes[f.o.Repo] = f.prune
		if f.o.File.Type == Meta {
			metas = append(metas, f)
			continue
		}
		b.Files++
		b.Bytes += f.o.Size
		if !f.readable() {
			b.Incomplete++
		}
	}
	slices.SortFunc(metas, func(a, b *found) int { return cmp.Compare(b.o.Made, a.o.Made) })
	for _, f := range metas {
		if err := c.openRepo(ctx, f.o, prunes[f.o.Repo], byName[f.o.Repo]); err != nil {
			return nil, err
		}
	}
	out := make([]BackupFound, 0, len(byName))
	for _, b := range byName {
		out = append(out, *b)
	}
	slices.SortFunc(out, func(a, b BackupFound) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// openRepo reads one record. One that cannot be had leaves the backup readable,
// without its password.
func (c *census) openRepo(ctx context.Context, o Object, prune shard.PruneKey, b *BackupFound) error {
	rec, err := c.room.readRecord(ctx, o)
	if err != nil {
		c.room.n.Log.Warn("a backup's record could not be read", "repo", o.Repo, "error", err)
		return nil
	}
	if err := c.room.keepIdentity(rec.Identity); err != nil {
		return err
	}
	// keepIdentity read the keys again; this process needs the seed's too.
	c.room.keys.identities = append(c.room.keys.identities, c.identity)
	if b.Password {
		return nil // an older record; the newest was first
	}
	b.Password = true
	if _, err := c.room.store.repo(ctx, rec.Name); core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	return c.room.establish(ctx, &Repo{Name: rec.Name, Prune: prune, Made: rec.Made}, rec.Password)
}

func (r *Room) readRecord(ctx context.Context, o Object) (record, error) {
	var rec record
	plain, err := r.openObject(ctx, o)
	if err != nil {
		return rec, err
	}
	text, err := io.ReadAll(io.LimitReader(plain, maxSmall))
	if err = errors.Join(err, plain.Close()); err != nil {
		return rec, err
	}
	if err := wire.Peek(text, &rec); err != nil {
		return rec, err
	}
	if rec.Name != o.Repo {
		return rec, core.Invalid("vault.bad_label", fmt.Errorf("record of %q in %q", rec.Name, o.Repo))
	}
	return rec, nil
}
