package status

import (
	"cmp"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/verdict"
)

// Interval is how long a state stood. To is not part of it.
type Interval struct {
	From, To core.Moment
	State    verdict.State
	// Maint: it lay in maintenance that was announced in time.
	Maint bool
}

// worse orders states for users: down is worse than partial, partial than not known, not
// known than up.
func worse(s verdict.State) int {
	switch s {
	case verdict.Down:
		return 3
	case verdict.Partial:
		return 2
	case verdict.Up:
		return 0
	case verdict.Unknown:
	}
	return 1
}

// Worst is the state of a service whose targets are in these states: the worst of them. Of
// no target nothing is known.
func Worst(all ...verdict.State) verdict.State {
	if len(all) == 0 {
		return verdict.Unknown
	}
	return slices.MaxFunc(all, func(a, b verdict.State) int { return cmp.Compare(worse(a), worse(b)) })
}

// Merge makes one row of intervals for a service out of those of its targets: at each
// moment the worst state counts. What one of them does not cover is not known. Each row is
// sorted and does not overlap itself.
func Merge(from, to core.Moment, rows ...[]Interval) []Interval {
	cuts := []core.Moment{from, to}
	for _, row := range rows {
		for _, i := range row {
			cuts = append(cuts, min(max(i.From, from), to), min(max(i.To, from), to))
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	next, out := make([]int, len(rows)), []Interval(nil)
	for c := 0; c+1 < len(cuts); c++ {
		one := Interval{From: cuts[c], To: cuts[c+1]}
		states := make([]verdict.State, 0, len(rows))
		for r, row := range rows {
			for next[r] < len(row) && row[next[r]].To <= one.From {
				next[r]++
			}
			state := verdict.Unknown
			if n := next[r]; n < len(row) && row[n].From <= one.From {
				state, one.Maint = row[n].State, one.Maint || row[n].Maint
			}
			states = append(states, state)
		}
		one.State = Worst(states...)
		if n := len(out); n > 0 && out[n-1].State == one.State && out[n-1].Maint == one.Maint && out[n-1].To == one.From {
			out[n-1].To = one.To
			continue
		}
		out = append(out, one)
	}
	return out
}

// DaysOf counts intervals by the days of a zone, oldest first, without a gap: from the day
// of from to the one of to. What no interval covers between the two is not known. The
// intervals are sorted and do not overlap.
func DaysOf(intervals []Interval, from, to core.Moment, zone *time.Location) []Day {
	if to <= from {
		return nil
	}
	first := 0
	var out []Day
	y, m, d := from.Time().In(zone).Date()
	end := core.At(time.Date(y, m, d, 0, 0, 0, 0, zone))
	for n := 0; end < to; n++ {
		begin := end
		end = core.At(time.Date(y, m, d+n+1, 0, 0, 0, 0, zone))
		day := Day{Date: time.Date(y, m, d+n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)}
		lo, hi := max(begin, from), min(end, to)
		for first < len(intervals) && intervals[first].To <= lo {
			first++
		}
		day.Parts = partsOf(intervals[first:], lo, hi)
		out = append(out, day)
	}
	return out
}

// PartsOf counts the intervals between two moments.
func PartsOf(intervals []Interval, from, to core.Moment) Parts {
	return partsOf(intervals, from, max(from, to))
}

// partsOf counts up to the first interval that begins behind to. Both ends of each interval
// are cut to whole seconds, so that the parts together are exactly the time between.
func partsOf(intervals []Interval, from, to core.Moment) (p Parts) {
	const second = core.Moment(time.Second / time.Microsecond)
	for _, i := range intervals {
		if i.From >= to {
			break
		}
		lasted := int64(max(min(i.To, to)/second-max(i.From, from)/second, 0))
		switch {
		case i.State == verdict.Up:
			p.Up += lasted
		case i.State == verdict.Unknown:
		case i.Maint:
			p.Maint += lasted
		case i.State == verdict.Partial:
			p.Partial += lasted
		default:
			p.Down += lasted
		}
	}
	p.Unknown = int64(to/second-from/second) - p.Total()
	return p
}
