package verdict

import (
	"cmp"
	"slices"
	"time"

	"entrechat/internal/core"
)

// Span is one state of a target, from what proved it on.
type Span struct {
	Event
	From core.Moment
}

// Spans puts the events of one target in order and merges those that say the same: two
// collectors that proved one outage did not prove two. Before the first one nothing is
// said.
// spec: docs/spec/watch.md#one-outage
func Spans(events []Event) (all []Span) {
	for _, e := range inOrder(events) {
		if len(all) == 0 && e.State == Up {
			continue
		}
		if n := len(all); n > 0 && all[n-1].State == e.State {
			last := &all[n-1]
			// The earlier suspicion counts, as far as the state before allows.
			if e.Since < last.From && e.State != Up && (n == 1 || e.Since > all[n-2].From) {
				last.From = e.Since
			}
			last.Failing, last.Networks, last.Class, last.Weak = e.Failing, e.Networks, e.Class, last.Weak && e.Weak
			continue
		}
		from := e.Since
		if n := len(all); n > 0 {
			from = max(from, all[n-1].From+1)
		}
		all = append(all, Span{e, from})
	}
	return all
}

// inOrder sorts events by when they were decided, but never one before that which it says
// it comes after: clocks may lie apart by more than an outage lasts.
func inOrder(events []Event) []Event {
	events = slices.Clone(events)
	last := make(map[string]core.Moment, len(events))
	for _, e := range events {
		last[e.Nonce] = e.Last
	}
	for range 3 {
		for i, e := range events {
			if before, ok := last[e.After]; ok && e.Last <= before && before.Sub(e.Last) <= RoundSpread {
				events[i].Last = before + 1
				last[e.Nonce] = before + 1
			}
		}
	}
	slices.SortFunc(events, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Last, b.Last), cmp.Compare(a.Nonce, b.Nonce))
	})
	return events
}

// unstableFrom is how many changes within an hour are flapping.
const unstableFrom = 4

// Flapping says whether a target changed too often within the last hour.
func Flapping(all []Span, now core.Moment) bool {
	n := len(all)
	return n >= unstableFrom && all[n-unstableFrom].From > now.Add(-time.Hour)
}

// Intervals cuts the spans of a target to a time: known is from when on it was looked at,
// grey are the times in which nobody could say that it is up.
func Intervals(all []Span, known, from, to core.Moment, grey [][2]core.Moment) (out []Interval) {
	add := func(i Interval) {
		i.From, i.To = max(i.From, from), min(i.To, to)
		if i.From >= i.To {
			return
		}
		if n := len(out); n > 0 && out[n-1].State == i.State && out[n-1].To == i.From && out[n-1].Case == i.Case {
			out[n-1].To = i.To
			return
		}
		out = append(out, i)
	}
	up := func(a, b core.Moment, i Interval) {
		for _, g := range grey {
			if g[1] <= a || g[0] >= b {
				continue
			}
			add(Interval{State: i.State, From: a, To: g[0], Case: i.Case, Weak: i.Weak})
			add(Interval{From: max(a, g[0]), To: min(b, g[1])})
			a = max(a, g[1])
		}
		add(Interval{State: i.State, From: a, To: b, Case: i.Case, Weak: i.Weak})
	}
	start := to
	if len(all) > 0 {
		start = all[0].From
	}
	if known == 0 || known > start {
		known = start
	}
	add(Interval{From: from, To: known})
	up(known, start, Interval{State: Up})
	for n, s := range all {
		end := to
		if n+1 < len(all) {
			end = all[n+1].From
		}
		i := Interval{State: s.State, From: s.From, To: end, Weak: s.Weak, Case: s.Nonce}
		if s.State == Up {
			up(s.From, end, i)
		} else {
			add(i)
		}
	}
	return out
}

// MergeGrey sorts and joins times.
func MergeGrey(all [][2]core.Moment) (out [][2]core.Moment) {
	slices.SortFunc(all, func(a, b [2]core.Moment) int { return cmp.Compare(a[0], b[0]) })
	for _, g := range all {
		if n := len(out); n > 0 && g[0] <= out[n-1][1] {
			out[n-1][1] = max(out[n-1][1], g[1])
			continue
		}
		out = append(out, g)
	}
	return out
}
