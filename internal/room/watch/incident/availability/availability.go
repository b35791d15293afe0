package availability

import (
	"cmp"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/verdict"
)

// Condition is how a service was for a while. The zero value is Unknown.
type Condition string

// The conditions.
const (
	Unknown     Condition = ""
	Up          Condition = "up"
	Partial     Condition = "partial"
	Down        Condition = "down"
	Maintenance Condition = "maintenance" // it was down or partial, and this was announced
)

// Interval is a verdict over time, as the verdicts' transitions give it.
type Interval struct {
	From, To core.Moment // To zero = it still holds
	State    verdict.State
}

// FromVerdicts are the intervals that the verdicts on one target give.
func FromVerdicts(all []verdict.Interval) []Interval {
	out := make([]Interval, 0, len(all))
	for _, i := range all {
		out = append(out, Interval{i.From, i.To, i.State})
	}
	return out
}

// Window is a planned maintenance of the service.
type Window struct {
	From, To core.Moment
	// Announced is when its owner said it; zero = never, and it excuses nothing.
	Announced core.Moment
}

// Part is a piece of a period in one condition.
type Part struct {
	From, To  core.Moment
	Condition Condition
	Window    int // index of the window that made it Maintenance; -1 = none
}

// Parts divides the period from (included) to to (excluded) into parts, in order and
// without a gap. Where no interval says anything it is Unknown. Intervals may begin before
// the period: an outage that began before a maintenance was announced is recognised by its
// true beginning. Of intervals that overlap the one that begins later counts.
// spec: docs/spec/incident.md#availability
func Parts(intervals []Interval, windows []Window, from, to core.Moment) []Part {
	if to <= from {
		return nil
	}
	var out []Part
	add := func(p Part) {
		p.From, p.To = max(p.From, from), min(p.To, to)
		if p.To <= p.From {
			return
		}
		if n := len(out); n > 0 && out[n-1].Condition == p.Condition && out[n-1].Window == p.Window {
			out[n-1].To = p.To
			return
		}
		out = append(out, p)
	}
	at := from
	var began core.Moment // of the outage we are in; zero = none
	for _, i := range tidy(intervals, to) {
		if i.From > at {
			add(Part{at, i.From, Unknown, -1})
		}
		switch i.State {
		case verdict.Up:
			began = 0
			add(Part{i.From, i.To, Up, -1})
		case verdict.Down, verdict.Partial:
			if began == 0 {
				began = i.From
			}
			for _, p := range excuse(i, windows, began) {
				add(p)
			}
		default:
			add(Part{i.From, i.To, Unknown, -1})
		}
		at = max(at, i.To)
	}
	add(Part{at, to, Unknown, -1})
	return out
}

// tidy sorts intervals, ends the open ones at to and cuts each where the next begins.
func tidy(in []Interval, to core.Moment) []Interval {
	var out []Interval
	for _, i := range in {
		if i.To == 0 || i.To > to {
			i.To = to
		}
		if i.To > i.From {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b Interval) int { return cmp.Compare(a.From, b.From) })
	whole := out[:0]
	for n, i := range out {
		if n+1 < len(out) {
			i.To = min(i.To, out[n+1].From)
		}
		if i.To > i.From {
			whole = append(whole, i)
		}
	}
	return whole
}

// excuse divides an interval in which the service did not fully answer by the windows that
// were announced before its outage began.
func excuse(i Interval, windows []Window, began core.Moment) []Part {
	condition := map[verdict.State]Condition{verdict.Down: Down, verdict.Partial: Partial}[i.State]
	cuts := []core.Moment{i.From, i.To}
	for _, w := range windows {
		for _, m := range []core.Moment{w.From, w.To} {
			if m > i.From && m < i.To {
				cuts = append(cuts, m)
			}
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	out := make([]Part, 0, len(cuts)-1)
	for n := range len(cuts) - 1 {
		p := Part{cuts[n], cuts[n+1], condition, -1}
		for k, w := range windows {
			if w.Announced != 0 && w.Announced <= began && w.From <= p.From && p.To <= w.To {
				p.Condition, p.Window = Maintenance, k
				break
			}
		}
		out = append(out, p)
	}
	return out
}

// Combine makes the intervals of a service from those of its targets: the worst of them
// counts, and what is not known of one is not known of all, unless another is down or
// partial.
func Combine(targets [][]Interval, from, to core.Moment) []Interval {
	if len(targets) == 0 || to <= from {
		return nil
	}
	cuts := []core.Moment{from, to}
	clean := make([][]Interval, len(targets))
	for n, list := range targets {
		clean[n] = tidy(list, to)
		for _, i := range clean[n] {
			// The beginning before the period is kept: it tells when an outage began.
			cuts = append(cuts, i.From, i.To)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	places := make([]int, len(clean))
	var out []Interval
	for n := range len(cuts) - 1 {
		one := Interval{cuts[n], cuts[n+1], worst(clean, places, cuts[n])}
		if k := len(out); k > 0 && out[k-1].State == one.State {
			out[k-1].To = one.To
			continue
		}
		out = append(out, one)
	}
	return out
}

// worst is the state of all targets together at a moment; places remembers how far each
// list was read.
func worst(lists [][]Interval, places []int, at core.Moment) verdict.State {
	order := map[verdict.State]int{verdict.Up: 0, verdict.Unknown: 1, verdict.Partial: 2, verdict.Down: 3}
	state := verdict.Up
	for n, list := range lists {
		for places[n] < len(list) && list[places[n]].To <= at {
			places[n]++
		}
		here := verdict.Unknown
		if places[n] < len(list) && list[places[n]].From <= at {
			here = list[places[n]].State
		}
		if order[here] > order[state] {
			state = here
		}
	}
	return state
}

// Outage is the time from the first verdict "down" to the next verdict "up".
type Outage struct {
	From, To core.Moment // To zero = it is not over
	// Planned: all its time down lies in maintenance that was announced before it began.
	Planned bool
}

// Outages lists those that began in the period, in order.
func Outages(intervals []Interval, windows []Window, from, to core.Moment) []Outage {
	var out []Outage
	open := false
	var before core.Moment // of the run of "not up"
	for _, i := range tidy(intervals, to) {
		last := len(out) - 1
		switch {
		case i.State == verdict.Up:
			if open {
				out[last].To = i.From
			}
			open, before = false, 0
			continue
		case before == 0 && i.State != verdict.Unknown:
			before = i.From
		}
		if i.State != verdict.Down {
			continue
		}
		if !open {
			out, open = append(out, Outage{From: i.From, Planned: true}), true
			last++
		}
		for _, p := range excuse(i, windows, before) {
			out[last].Planned = out[last].Planned && p.Condition == Maintenance
		}
	}
	return slices.DeleteFunc(out, func(o Outage) bool { return o.From < from || o.From >= to })
}

// Percentile is the value that a share (0 to 1) of the durations do not exceed (nearest
// rank); zero for none at all.
func Percentile(all []time.Duration, share float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	rank := int(share * float64(len(sorted)))
	if float64(rank) < share*float64(len(sorted)) {
		rank++
	}
	return sorted[min(max(rank, 1), len(sorted))-1]
}
