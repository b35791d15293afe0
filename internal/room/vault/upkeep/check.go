package upkeep

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
	"entrechat/internal/room/vault/shipping"
)

const (
	// auditLimit bounds one audit.
	auditLimit = 30 * time.Second
	// checkSample is how many shards of each member `vault check` draws to audit.
	checkSample = 25
	// RepairBatch bounds to how many objects of each type one run of Repair adds replicas, so that a new member is not
	// sent everything at once.
	RepairBatch = 2000
)

// Check compares the catalogue with the whole list of every member, both ways, and has
// a random sample of what lies there proved, and all that was damaged and is placed again;
// a name narrows what is wanted to one backup. What is missing or wrong no longer counts,
// and is made again by the running node; what the catalogue lacks is taken in.
func (r *Upkeep) Check(ctx context.Context, name string) ([]recovery.Checked, error) {
	if name != "" {
		if _, err := r.store.Repos.Get(ctx, name); err != nil {
			return nil, err
		}
	}
	seen, err := r.recovery.Compare(ctx, true, name)
	if err != nil {
		return nil, err
	}
	out := seen.Checked()
	var all sync.WaitGroup
	for i := range out {
		if out[i].Error != "" {
			continue
		}
		all.Go(func() {
			if err := r.auditSample(ctx, name, &out[i]); err != nil {
				out[i].Error = err.Error()
			}
		})
	}
	all.Wait()
	return out, errors.Join(ctx.Err(), r.ProveAll(ctx))
}

// randomObject draws a hex name that lies anywhere among those of objects.
func randomObject() string { return local.NewName()[3:] }

// auditSample audits a random part of what a member has of a backup.
func (r *Upkeep) auditSample(ctx context.Context, name string, c *recovery.Checked) error {
	sample, err := r.store.Placements.Sample(ctx, c.Member, name, checkSample, randomObject)
	if err != nil {
		return err
	}
	for _, p := range sample {
		c.Audited++
		err := r.Audit(ctx, p)
		if core.CodeOf(err) == core.CodeUnsure {
			return err // silent now, so it would be for every other one
		}
		if err != nil {
			c.Wrong++
		}
	}
	return ctx.Err()
}

// Audit has a member prove a random 16 KiB of a shard. What it did wrong is noted.
func (r *Upkeep) Audit(ctx context.Context, p catalogue.Placement) error {
	auditing, cancel := context.WithTimeout(ctx, auditLimit)
	defer cancel()
	ref := holder.Ref{Owner: r.n.Signer.ID(), Object: p.Object, Index: p.Index, Root: p.Root, Length: p.Length}
	proof, err := r.n.Holder(p.Member).Audit(auditing, ref, rand.Int64N(max(p.Length, 1))) //nolint:gosec // a sample wants no secrecy from us
	if err == nil {
		_, err = proof.Check(ref, p.Member)
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.pool.Blame(ctx, p, err)
		return err
	}
	r.pool.Good(ctx, p.Member)
	return r.store.Placements.SetState(ctx, r.n.DB, p, catalogue.Stored, core.At(r.n.Now()))
}

// AuditSome audits one random shard of each member.
func (r *Upkeep) AuditSome(ctx context.Context) error {
	members, err := r.store.Placements.Holders(ctx)
	if err != nil {
		return err
	}
	return r.auditEach(ctx, members)
}

// auditEach audits one random shard of each of these members, all at once: one that
// hangs must not hold up the others.
func (r *Upkeep) auditEach(ctx context.Context, members []core.MemberID) error {
	var all sync.WaitGroup
	defer all.Wait()
	for _, m := range members {
		p, ok, err := r.store.Placements.Any(ctx, m, randomObject())
		if err != nil {
			return err
		}
		if ok {
			all.Go(func() { _ = r.Audit(ctx, p) }) // noted as the member's trouble
		}
	}
	return nil
}

// LookForReturned asks the members that failed us whether they are back, each when
// its pause is over, and adds replicas at those that can take something again.
func (r *Upkeep) LookForReturned(ctx context.Context) error {
	if err := r.auditEach(ctx, r.pool.Due()); err != nil {
		return err
	}
	return r.AddReplicasAtReturned(ctx)
}

// Repair looks for objects that lie worse than they could: shards at members that
// have been away too long, and copies that a grown pool could have more of.
func (r *Upkeep) Repair(ctx context.Context) error {
	states, err := r.store.Lenders.States(ctx)
	if err != nil {
		return err
	}
	holders, err := r.store.Placements.Holders(ctx)
	if err != nil {
		return err
	}
	well := func(id core.MemberID) bool { return states[id].Bad == 0 }
	now := core.At(r.n.Now())
	for id, s := range states {
		// When nobody is well it is our own line that is down.
		if s.Bad == 0 || now.Sub(s.Bad) < catalogue.Absent || !slices.ContainsFunc(holders, well) {
			continue
		}
		n, err := r.store.Placements.GiveUp(ctx, id)
		if err != nil {
			return err
		}
		if n > 0 {
			r.n.Log.Warn("a member was away too long; its shards are made again elsewhere", "member", id, "shards", n, "since", s.Bad.Time())
		}
	}
	if err := r.store.Queue.Recompute(ctx, now); err != nil {
		return err
	}
	if err := r.AddReplicas(ctx); err != nil {
		return err
	}
	r.n.Work.Broadcast()
	return nil
}

// AddReplicasAtReturned adds replicas when more members can take something than when it last
// looked: one came back, or found room.
func (r *Upkeep) AddReplicasAtReturned(ctx context.Context) error {
	lenders, err := r.pool.Candidates(ctx)
	if err != nil {
		return err
	}
	domains := pool.Reachable(nil, lenders, 1)
	r.mu.Lock()
	more := domains > r.widened
	r.widened = min(domains, r.widened)
	r.mu.Unlock()
	if !more {
		return nil
	}
	if err := errors.Join(r.AddReplicas(ctx), r.store.Queue.RetryIdleNow(ctx, core.At(r.n.Now()).Add(shipping.MaxWait))); err != nil {
		return err
	}
	r.n.Work.Broadcast()
	// What is on its way in too few copies can have more only once it is placed:
	// look again then.
	narrow, err := r.store.Queue.NarrowOnTheWay(ctx, domains)
	if err != nil || narrow {
		return err
	}
	r.mu.Lock()
	r.widened = domains
	r.mu.Unlock()
	return nil
}

// AddReplicas gives copies to members that came later. Objects in shards keep their code:
// it outlives as many losses in a larger pool.
func (r *Upkeep) AddReplicas(ctx context.Context) error {
	lenders, err := r.pool.Candidates(ctx)
	if err != nil {
		return err
	}
	all := make([]core.Lender, 0, len(lenders))
	for _, l := range lenders {
		all = append(all, l.Lender)
	}
	domains := shard.Domains(all)
	for _, t := range append(rest.Types(), rest.Config, catalogue.Meta) {
		want := catalogue.CodeFor(t, domains)
		if want.K > 1 { // large objects copied while the pool was small
			want = shard.CopiesFor(domains)
		}
		copies, err := r.store.Objects.CopiesBelow(ctx, t, want.N, RepairBatch)
		if err != nil {
			return err
		}
		for _, o := range copies {
			if err := r.store.Queue.SetCode(ctx, o.ID, want); err != nil {
				return err
			}
			if err := r.store.Queue.SetState(ctx, r.n.DB, o.ID, catalogue.Safe, core.At(r.n.Now())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Worst sorts what check saw, the worst member first.
func Worst(all []recovery.Checked) []recovery.Checked {
	out := append([]recovery.Checked{}, all...)
	slices.SortFunc(out, func(a, b recovery.Checked) int {
		return cmp.Or(cmp.Compare(b.Lost+b.Wrong+b.Unknown, a.Lost+a.Wrong+a.Unknown), cmp.Compare(b.Error, a.Error), cmp.Compare(a.Member, b.Member))
	})
	return out
}
