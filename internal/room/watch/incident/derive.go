package incident

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/verdict"
)

// What makes outages one incident.
const (
	together   = 3                // services that fall together are one incident of their hoster
	follow     = 10 * time.Minute // between two falls of it
	flapSteps  = 4                // falls and recoveries of one service ...
	flapWithin = time.Hour        // ... within this time are one unstable incident
)

// step is one change of one target's verdict.
type step struct {
	Key             string
	Target, Service string
	State           verdict.State
	Weak            bool
	At              core.Moment
	Failing, Voters int // Voters is -1 while nobody told us
	Certificate     string
	incident        string // as it is stored; not a part of what the step says
}

// outage is a time in which a service was down; to zero = it is.
type outage struct {
	service  string
	from, to core.Moment
	first    step
	steps    []step
}

func (o outage) openAt(m core.Moment) bool { return o.to == 0 || o.to > m }

// derived is an incident with the keys of its steps.
type derived struct {
	Incident
	keys []string
}

// derive makes the incidents of one hoster from all steps since a moment at which nothing
// was down, and all withdrawals. It depends on the set of steps only, not on the order they came in.
// spec: docs/spec/incident.md#incidents
func derive(owner core.MemberID, steps []step) []derived {
	steps = slices.Clone(steps)
	slices.SortFunc(steps, func(a, b step) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Key, b.Key))
	})
	all := outages(steps)
	g := newGroups(len(all))
	for _, service := range services(all) {
		g.flapping(all, service)
	}
	g.falls(all)
	lists := g.lists()
	out := make([]derived, 0, len(lists))
	for _, members := range lists {
		out = append(out, g.incident(owner, all, members))
	}
	slices.SortFunc(out, func(a, b derived) int {
		return cmp.Or(cmp.Compare(a.Opened, b.Opened), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// outages folds sorted steps: first by target, then all targets of a service together. They
// come sorted by their beginning.
func outages(steps []step) []outage {
	byTarget, gone := map[string]*outage{}, map[string]bool{}
	var all []*outage
	for _, s := range steps {
		o := byTarget[s.Target]
		if gone[s.Target] {
			continue // a vote that was still on its way
		}
		gone[s.Target] = s.State == Withdrawn
		switch {
		case o == nil && s.State != verdict.Down:
			continue
		case o == nil:
			o = &outage{service: s.Service, from: s.At, first: s}
			byTarget[s.Target] = o
			all = append(all, o)
		}
		o.steps = append(o.steps, s)
		if s.State == verdict.Up || s.State == Withdrawn {
			o.to = s.At
			delete(byTarget, s.Target)
		}
	}
	var out []outage
	last := map[string]int{} // of a service, its last outage in out
	for _, o := range all {
		n, seen := last[o.service]
		if !seen || !out[n].openAt(o.from-1) {
			last[o.service] = len(out)
			out = append(out, *o)
			continue
		}
		out[n].steps = append(out[n].steps, o.steps...)
		if o.to == 0 || out[n].to == 0 {
			out[n].to = 0
		} else {
			out[n].to = max(out[n].to, o.to)
		}
	}
	return out
}

func services(all []outage) []string {
	names := map[string]bool{}
	for _, o := range all {
		names[o.service] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// groups joins outages into incidents.
type groups struct {
	parent           []int
	unstable, hoster map[int]bool // by outage
}

func newGroups(n int) *groups {
	g := &groups{make([]int, n), map[int]bool{}, map[int]bool{}}
	for i := range n {
		g.parent[i] = i
	}
	return g
}

func (g *groups) find(i int) int {
	for g.parent[i] != i {
		g.parent[i] = g.parent[g.parent[i]]
		i = g.parent[i]
	}
	return i
}

func (g *groups) join(a, b int) { g.parent[g.find(b)] = g.find(a) }

// flapping joins outages of a service whose falls and recoveries come four within an hour.
func (g *groups) flapping(all []outage, service string) {
	type turn struct {
		at core.Moment
		of int
	}
	var turns []turn
	for n, o := range all {
		if o.service != service {
			continue
		}
		turns = append(turns, turn{o.from, n})
		if o.to != 0 {
			turns = append(turns, turn{o.to, n})
		}
	}
	for n := 0; n+flapSteps <= len(turns); n++ {
		window := turns[n : n+flapSteps]
		if window[flapSteps-1].at.Sub(window[0].at) > flapWithin {
			continue
		}
		for _, t := range window {
			g.join(window[0].of, t.of)
			g.unstable[t.of] = true
		}
	}
}

// falls joins outages of a hoster: three services that fall within ten minutes and are down
// at the same time, and whoever falls within ten minutes of the last of them while one of
// them is still down.
func (g *groups) falls(all []outage) {
	var group []int // the last that formed
	for n, o := range all {
		if len(group) > 0 && o.from.Sub(all[group[len(group)-1]].from) <= follow &&
			slices.ContainsFunc(group, func(m int) bool { return all[m].openAt(o.from) }) {
			g.join(group[0], n)
			g.hoster[n] = true
			group = append(group, n)
			continue
		}
		near, names := []int{}, map[string]bool{}
		for m := n; m >= 0 && o.from.Sub(all[m].from) <= follow; m-- {
			if all[m].openAt(o.from) {
				near, names[all[m].service] = append(near, m), true
			}
		}
		if len(names) < together {
			continue
		}
		for _, m := range near {
			g.join(near[0], m)
			g.hoster[m] = true
		}
		slices.Reverse(near)
		group = near
	}
}

// lists are the outages of each incident, by their places.
func (g *groups) lists() map[int][]int {
	out := map[int][]int{}
	for n := range g.parent {
		root := g.find(n)
		out[root] = append(out[root], n)
	}
	return out
}

// incident puts the outages of one incident together.
func (g *groups) incident(owner core.MemberID, all []outage, members []int) derived {
	first := all[members[0]].first
	d := derived{Incident: Incident{Owner: owner, Scope: Service, Weak: true}}
	open, last := false, map[string]step{}
	names := map[string]bool{}
	for _, n := range members {
		o := all[n]
		if o.first.At < first.At || o.first.At == first.At && o.first.Key < first.Key {
			first = o.first
		}
		open = open || o.to == 0
		d.Closed = max(d.Closed, o.to)
		d.Unstable = d.Unstable || g.unstable[n]
		if g.hoster[n] {
			d.Scope = Hoster
		}
		names[o.service] = true
		for _, s := range o.steps {
			d.keys = append(d.keys, s.Key)
			d.Weak = d.Weak && (s.Weak || s.State != verdict.Down)
			if before, ok := last[s.Target]; !ok || before.At <= s.At {
				last[s.Target] = s
			}
		}
	}
	d.ID, d.Opened = first.Key, first.At
	d.Services, d.Targets = slices.Sorted(maps.Keys(names)), slices.Sorted(maps.Keys(last))
	if open {
		d.Closed = 0
		d.Down, d.Unsure = standing(last)
	}
	return d
}

// standing are the services that are down, and those of which nobody knows enough, by the
// last step of each target.
func standing(last map[string]step) (down, unsure []string) {
	states := map[string]verdict.State{}
	for _, s := range last {
		switch {
		case s.State == verdict.Down:
			states[s.Service] = verdict.Down
		case (s.State == verdict.Partial || s.State == verdict.Unknown) && states[s.Service] != verdict.Down:
			states[s.Service] = verdict.Partial
		}
	}
	for _, name := range slices.Sorted(maps.Keys(states)) {
		if states[name] == verdict.Down {
			down = append(down, name)
		} else {
			unsure = append(unsure, name)
		}
	}
	return down, unsure
}
