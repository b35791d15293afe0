package recovery

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// census is what the members said they hold.
type census struct {
	room     *Recovery
	identity age.Identity
	keys     []ed25519.PublicKey // those we ever signed with, as far as they came back

	mu       sync.Mutex
	objects  map[shape]*found
	Foreign  int64
	unopened int64 // of them, signed by us: another identity of ours opens them
}

// shape is an object in one way of cutting it; shards of two ways do not mix.
type shape struct {
	object shard.Hash
	k      int
	sealed int64
}

// found is one object as its shards tell it, and where they are.
type found struct {
	o       catalogue.Object
	prune   shard.PruneKey
	signed  bool // by us: o and prune are no lie
	foreign bool // its label is not ours to open
	known   bool // it was in the catalogue before
	claims  []claim
	places  []catalogue.Placement // those of the claims we go by
}

// claim is a member's word that it holds a shard, with a head that tells of it.
type claim struct {
	catalogue.Placement
	n       int
	signed  bool        // the head, by us
	deleted core.Moment // zero = alive
}

// askAll lists what every contact holds, all at once, but for those to be left out.
func (c *census) askAll(ctx context.Context, contacts []Contact, say func(MemberFound)) (Recovered, error) {
	out := Recovered{Silent: []core.MemberID{}}
	var all sync.WaitGroup
	asked := 0
	for _, contact := range contacts {
		if c.room.LeftOut(contact.ID) {
			continue
		}
		asked++
		all.Go(func() {
			m := MemberFound{Member: contact.ID}
			if m.Shards, m.Err = c.ask(ctx, contact.ID); m.Err != nil && ctx.Err() == nil {
				c.room.pool.Bad(ctx, pool.TroubleOf(contact.ID, catalogue.Placement{}, m.Err))
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if m.Err != nil {
				out.Silent, m.Error = append(out.Silent, m.Member), m.Err.Error()
			}
			out.Members = append(out.Members, m)
			say(m)
		})
	}
	all.Wait()
	slices.Sort(out.Silent)
	slices.SortFunc(out.Members, func(a, b MemberFound) int { return cmp.Compare(a.Member, b.Member) })
	if len(out.Silent) == asked {
		return out, core.Unsure("vault.nobody_answers", fmt.Errorf("none of %d members answers", asked)).With("Count", asked)
	}
	return out, ctx.Err()
}

// ask takes into the census what one member holds of ours. What came before it broke
// off counts.
func (c *census) ask(ctx context.Context, member core.MemberID) (total int64, err error) {
	err = c.room.EachHeld(ctx, member, func(held holder.Entry) {
		c.count(member, held)
		total++
	})
	return total, err
}

// count takes one shard into the census. A head that we did not sign may be a lie,
// or of a key that did not come back with our logbook: it counts where no others do.
func (c *census) count(member core.MemberID, held holder.Entry) {
	signed := held.Verify(c.keys...) == nil
	f := c.object(held, signed)
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.foreign {
		c.Foreign++
		if signed && held.OwnerRoot == c.room.n.Root && c.room.n.Only == "" {
			c.unopened++
		}
		return
	}
	if held.K == 1 && held.Root != held.Object {
		return // a copy is what its name says
	}
	p := catalogue.Placement{
		Object: held.Object, Index: held.Index, Member: member, Length: held.Length, Root: held.Root,
		State: catalogue.Stored, Since: held.Received, Seen: core.At(c.room.n.Now()),
	}
	if held.Deleted != 0 {
		p.State = catalogue.Lost
	}
	f.claims = append(f.claims, claim{p, held.N, signed, held.Deleted})
}

// object finds or opens the object of a shard. The first label that is ours names it,
// or the first in a head we signed. Opening a label takes a fraction of a millisecond
// and happens outside the lock, so members are counted in parallel.
func (c *census) object(held holder.Entry, signed bool) *found {
	key := shape{held.Object, held.K, held.Sealed}
	c.mu.Lock()
	f, ok := c.objects[key]
	known := ok && !f.foreign && (f.signed || !signed)
	c.mu.Unlock()
	if known {
		return f
	}
	f = &found{prune: held.Prune, signed: signed, o: catalogue.Object{
		ID: held.Object, Sealed: held.Sealed, Code: held.Code(), Made: held.Made,
	}}
	l, err := keyring.OpenLabel(held.Label, c.identity)
	f.foreign = err != nil || held.OwnerRoot != c.room.n.Root || c.room.n.Only != "" && l.Repo != c.room.n.Only
	f.o.Repo, f.o.File, f.o.Size, f.o.SealedTo = l.Repo, rest.Handle{Type: l.Type, Name: l.Name}, l.Size, l.To
	c.mu.Lock()
	defer c.mu.Unlock()
	first, ok := c.objects[key]
	switch {
	case !ok:
		c.objects[key] = f
		return f
	case !f.foreign && (first.foreign || f.signed && !first.signed):
		f.claims = first.claims
		*first = *f
	}
	return first
}

// ours answers the objects that are ours, each in the way of cutting it that the
// members prove best.
func (c *census) ours(now core.Moment) []*found {
	best := map[shard.Hash]*found{}
	for key, f := range c.objects {
		if f.foreign {
			continue
		}
		f.stand(now)
		if other := best[key.object]; other == nil || f.betterThan(other) {
			best[key.object] = f
		}
	}
	all := slices.Collect(maps.Values(best))
	all = c.believed(all)
	slices.SortFunc(all, func(a, b *found) int {
		return cmp.Or(cmp.Compare(a.o.Made, b.o.Made), slices.Compare(a.o.ID[:], b.o.ID[:]))
	})
	return all
}

// believed leaves out, where one backup alone is looked for, what somebody else may have made up:
// its recipient is known to others. Data is what its name says, whoever sent it.
func (c *census) believed(all []*found) []*found {
	if c.room.n.Only == "" || !slices.ContainsFunc(all, func(f *found) bool { return f.signed }) {
		return all
	}
	return slices.DeleteFunc(all, func(f *found) bool { return !f.signed && f.o.File.Type != rest.Data })
}

// settleDown is how long a recovered object waits before its missing shards are
// made anew: the members that did not answer may only be slow to come back. When all
// answered, nothing waits.
const settleDown = 24 * time.Hour

// stand says where a found object stands. Heads we did not sign are gone by only when
// the others do not suffice. It was removed when most of its members deleted it; a few
// of them may not have heard that it was brought back, or lie. Their shards are sent
// again, which undeletes them.
func (f *found) stand(now core.Moment) {
	unsigned := func(c claim) bool { return !c.signed }
	sure := slices.DeleteFunc(slices.Clone(f.claims), unsigned)
	if places, _ := told(sure); catalogue.Distinct(places) >= f.o.Code.K {
		f.claims = sure
	}
	for _, c := range f.claims {
		f.o.Code.N = max(f.o.Code.N, c.n)
	}
	places, deletions := told(f.claims)
	f.places = places
	if 2*len(deletions) > len(f.places) {
		f.o.Deleted = slices.Min(deletions)
		for i := range f.places {
			f.places[i].State = catalogue.Stored
		}
	}
	f.o.State = catalogue.StateOf(f.o.Code, catalogue.Effective(catalogue.OnlyStored(f.places)))
	f.o.Safe = max(f.o.Made, 1)
	if f.o.State != catalogue.Placed {
		f.o.Next = now.Add(settleDown)
	}
}

// told is what members say: where shards are, and when some were deleted.
func told(claims []claim) (places []catalogue.Placement, deletions []core.Moment) {
	for _, c := range claims {
		places = append(places, c.Placement)
		if c.deleted != 0 {
			deletions = append(deletions, c.deleted)
		}
	}
	return places, deletions
}

// betterThan says whether one way of cutting an object is believed rather than another.
func (f *found) betterThan(other *found) bool {
	switch {
	case f.signed != other.signed:
		return f.signed
	case f.readable() != other.readable():
		return f.readable()
	}
	return len(f.places) > len(other.places)
}

// replaces says whether an object took the place of another of the same name that
// was made before: a form is sealed anew where members went away. One that can be
// read gives way to none that cannot, one that we signed to none that may be a lie.
func (f *found) replaces(other *found) bool {
	if f.signed != other.signed {
		return f.signed
	}
	return f.readable() || !other.readable()
}

func (f *found) readable() bool {
	return catalogue.Losses(f.o.Code, catalogue.Distinct(catalogue.OnlyStored(f.places))) >= 0
}
