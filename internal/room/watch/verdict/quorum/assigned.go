package quorum

import (
	"context"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/schedule"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// Times of rosters.
const (
	// rosterGrace is how long the roster before still counts: logbooks take their time.
	rosterGrace = time.Hour
	// rosterAhead is how far the clock of an owner may be ahead of ours.
	rosterAhead = 10 * time.Minute
)

// inForce answers the rosters of an owner that count at a moment, the newest first: one,
// or two for an hour after a change; e.mu is held.
func (e *memory) inForce(owner core.MemberID, at core.Moment) []saidRoster {
	var all []saidRoster
	said := e.rosters[owner]
	for i := range slices.Backward(said) {
		if said[i].at > at.Add(rosterAhead) {
			continue
		}
		all = append(all, said[i])
		if said[i].at <= at.Add(-rosterGrace) || len(all) == 2 {
			break
		}
	}
	return all
}

// draw is who votes on a target; hash names the roster, empty = the newest. False: there
// is no such roster in force; e.mu is held.
func (e *memory) draw(k verdict.Key, hash string, at core.Moment) (verdict.Assignment, bool) {
	for _, r := range e.inForce(k.Owner, at) {
		if hash != "" && r.hash != hash {
			continue
		}
		name := [3]string{string(k.Owner), k.Target, r.hash}
		a, ok := e.drawn[name]
		if !ok {
			a = verdict.Assign(k.Owner, k.Target, r.hash, r.Roster)
			if len(e.drawn) >= mostDrawn {
				clear(e.drawn)
			}
			e.drawn[name] = a
		}
		return a, true
	}
	return verdict.Assignment{Owner: k.Owner, Target: k.Target}, false
}

// alone says whether only we ourselves look at a target of ours; e.mu is held.
func (e *memory) alone(t target.Target, now core.Moment) bool {
	if t.Owner != e.self {
		return false
	}
	a, _ := e.draw(verdict.Key{Owner: t.Owner, Target: t.ID}, "", now)
	return len(a.Seats) == 0 || t.Local || !t.Kind.Called()
}

// spareEvery is how seldom a voter looks that only confirms: often enough to know that
// the target was up.
const spareEvery = 5 * time.Minute

// everyOf is the time between two of our looks at a target; 0 = we do not look; e.mu is
// held.
func (e *memory) everyOf(t target.Target) time.Duration {
	if t.Paused || t.Owner == e.self {
		return t.Every
	}
	a, _ := e.draw(verdict.Key{Owner: t.Owner, Target: t.ID}, "", e.now())
	s, rank := a.Seat(e.self)
	if rank < 0 || t.Local || !t.Kind.Called() {
		return 0
	}
	least, promised := e.promised(t.Owner)
	if !promised {
		return 0
	}
	every := max(t.Every, least)
	if !s.Looks {
		every = min(max(5*every, spareEvery), target.MaxEvery)
	}
	return every
}

// promised says whether we look at an owner's targets, and how seldom at least: an owner
// may name us in its roster, but only our own word has us look; e.mu is held.
func (e *memory) promised(owner core.MemberID) (time.Duration, bool) {
	for _, o := range e.duties[e.self].Owners {
		if o.Member == owner {
			return time.Duration(o.Every) * time.Second, true
		}
	}
	return 0, false
}

// Assigned is what we look at: our own targets, and those of others on which we vote. The
// voters of a target come one after another.
func (e *Engine) Assigned(ctx context.Context) ([]schedule.Item, error) {
	if err := e.refresh(ctx, 0); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]schedule.Item, 0, len(e.targets))
	for k, t := range e.targets {
		item := schedule.Item{Target: t, Every: e.everyOf(t), Phase: -1}
		if item.Every == 0 {
			continue
		}
		a, _ := e.draw(k, "", e.now())
		switch s, rank := a.Seat(e.self); {
		case rank >= 0 && s.Looks:
			item.Phase = time.Duration(rank) * item.Every / time.Duration(a.Lookers())
		case rank >= 0:
			// One that only confirms looks seldom, and must not say "unknown" until then.
			item.First = min(item.Every, t.Every)
		}
		e.at(k).every = item.Every
		all = append(all, item)
	}
	slices.SortFunc(all, func(a, b schedule.Item) int {
		return slices.Compare([]string{string(a.Target.Owner), a.Target.ID}, []string{string(b.Target.Owner), b.Target.ID})
	})
	return all, nil
}

// Voters are who votes on a target now, in rank order, once Start has read; empty = nobody.
func (e *Engine) Voters(owner core.MemberID, id string) verdict.Assignment {
	e.mu.Lock()
	defer e.mu.Unlock()
	a, _ := e.draw(verdict.Key{Owner: owner, Target: id}, "", e.now())
	a.Seats = slices.Clone(a.Seats)
	return a
}
