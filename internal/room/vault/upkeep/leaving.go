package upkeep

import (
	"context"
	"fmt"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
)

// A member that gives us nothing new keeps what it has for a while. As long as its notice
// runs that counts, and is made again at others meanwhile; when the notice is over it
// counts no more, though it is still asked when something is read. One that is suspended
// or refused is given the time a silent one is given before anything is moved: people
// may settle it. Of a member of whom no pact is known nothing is concluded: after a
// recovery pacts come back later than shards.

// LeaverState says why a member gives us nothing new.
type LeaverState string

// The states.
const (
	PactEnding  LeaverState = "notice"  // until its end what it has counts
	PactOver    LeaverState = "over"    // what it has does not count
	MemberBad   LeaverState = "barred"  // suspended or refused; what it has counts
	PactUnknown LeaverState = "unknown" // no pact is known; what it has counts
)

// Leaver is a member that has shards of ours and gives us nothing new.
type Leaver struct {
	Member core.MemberID `json:"member"`
	State  LeaverState   `json:"state"`
	Until  core.Moment   `json:"until_us,omitzero"` // of a notice
	Files  int64         `json:"files"`             // that have a shard there and are not whole at others yet
}

// stateOfLeaver is why a member is none of our lenders any more.
func stateOfLeaver(l core.Leaver, now core.Moment) LeaverState {
	switch {
	case l.Until == 0:
		return MemberBad
	case l.Until > now:
		return PactEnding
	}
	return PactOver
}

// Leavers lists the members that have shards of ours and are no lenders. One whose pact is
// over is named until all that it had lies at others.
func (r *Upkeep) Leavers(ctx context.Context, lenders []core.Lender) ([]Leaver, error) {
	told, err := r.n.Lenders.Leaving(ctx, holder.KindStore)
	if err != nil {
		return nil, fmt.Errorf("ask who leaves: %w", err)
	}
	ever, err := r.store.Placements.EverHolders(ctx)
	if err != nil {
		return nil, err
	}
	out := []Leaver{}
	for _, id := range ever {
		if slices.ContainsFunc(lenders, func(l core.Lender) bool { return l.ID == id }) {
			continue
		}
		one := Leaver{Member: id, State: PactUnknown}
		if i := slices.IndexFunc(told, func(l core.Leaver) bool { return l.ID == id }); i >= 0 {
			one.State, one.Until = stateOfLeaver(told[i], core.At(r.n.Now())), told[i].Until
		}
		keeps, err := r.store.Placements.Holds(ctx, id)
		if err != nil {
			return nil, err
		}
		if !keeps {
			continue
		}
		moving := one.State == PactOver || one.State == PactEnding
		if one.Files, err = r.store.Placements.Unmoved(ctx, id, moving); err != nil {
			return nil, err
		}
		if one.State != PactOver || one.Files > 0 {
			out = append(out, one)
		}
	}
	return out, nil
}

// WatchLeaving has what members hold that leave us made again at others, takes it out of
// what counts when their pact is over, and gives those that lend again the chance to
// prove what they still have.
func (r *Upkeep) WatchLeaving(ctx context.Context) error {
	lenders, err := r.pool.All(ctx)
	if err != nil {
		return err
	}
	told, err := r.n.Lenders.Leaving(ctx, holder.KindStore)
	if err != nil {
		return fmt.Errorf("ask who leaves: %w", err)
	}
	known, err := r.store.Lenders.Leaving(ctx, r.n.DB)
	if err != nil {
		return err
	}
	changed := false
	for _, l := range lenders {
		if known[l.ID] != 0 {
			changed = true
			if err := r.lendsAgain(ctx, l.ID); err != nil {
				return err
			}
		}
		told = slices.DeleteFunc(told, func(t core.Leaver) bool { return t.ID == l.ID })
	}
	for _, l := range told {
		counts, err := r.store.Placements.MayCount(ctx, l.ID)
		if err != nil {
			return err
		}
		if !counts {
			continue
		}
		news, err := r.leaves(ctx, l, known[l.ID])
		if err != nil {
			return err
		}
		changed = changed || news
	}
	if !changed {
		return nil
	}
	if err := r.store.Queue.Recompute(ctx, core.At(r.n.Now())); err != nil {
		return err
	}
	r.n.Work.Broadcast()
	return nil
}

// leaves writes down that a member leaves, known since a moment (zero = not yet), and says
// whether that is news.
func (r *Upkeep) leaves(ctx context.Context, l core.Leaver, known core.Moment) (bool, error) {
	now := core.At(r.n.Now())
	state, from := stateOfLeaver(l, now), now
	if state == MemberBad {
		from = now.Add(catalogue.Absent)
	}
	if known == 0 || state != MemberBad && known > now {
		r.n.Log.Warn("a member lends us nothing more; what it has is made again at others", "member", l.ID, "why", state, "from", from.Time())
		if err := r.store.Lenders.SetLeaving(ctx, l.ID, from); err != nil {
			return false, err
		}
		known = 0
	}
	if state != PactOver {
		return known == 0, nil
	}
	n, err := r.store.Placements.Leave(ctx, l.ID)
	if n > 0 {
		r.n.Log.Warn("a pact is over: what its member has counts no more", "member", l.ID, "shards", n)
	}
	return n > 0 || known == 0, err
}

// lendsAgain has a member that left and came back be asked what it still has.
func (r *Upkeep) lendsAgain(ctx context.Context, id core.MemberID) error {
	n, err := r.store.Placements.Unleave(ctx, id)
	if err != nil {
		return err
	}
	r.n.Log.Info("a member lends to us again", "member", id, "shards_to_prove", n)
	r.recovery.AskAgain(id)
	if err := r.store.Lenders.SetLeaving(ctx, id, 0); err != nil {
		return err
	}
	return r.store.Queue.RetryNow(ctx) // what was only to be moved has its place
}

// CheckLeaving names a member that leaves, while what it has does not lie at others yet.
func (r *Upkeep) CheckLeaving(ctx context.Context, lenders []core.Lender) error {
	leaving, err := r.Leavers(ctx, lenders)
	if err != nil {
		return err
	}
	for _, l := range leaving {
		if l.Files > 0 && l.State != PactUnknown {
			return core.Unsure("vault.lender_leaves", fmt.Errorf("%s leaves: %s", l.Member, l.State)).
				With("Member", l.Member).With("Count", l.Files)
		}
	}
	return nil
}
