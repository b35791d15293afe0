package record

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/schedule"
)

// Why says why we did not look.
type Why string

// The reasons.
const (
	Off   Why = "off"   // our node did not run
	Unfit Why = "unfit" // it ran, and its looks could not be trusted
	Idle  Why = "idle"  // it ran well, and did not look at this target: paused, or not ours to look at
)

// Gap is a time in which we know nothing of a target by our own looks.
type Gap struct {
	From, To core.Moment
	Why      Why
}

// tolerance is how far apart presence may be without a gap: it is written every half minute.
const tolerance = 45 * time.Second

// Gaps lists when we did not look at a target in [from, to), in order and without overlap:
// so a page does not take our own absence for its silence. A pause of three times the
// item's Every, and of a minute at least, is a gap; Every zero: only whether our node was
// off or unfit is asked. Returns CodeInvalid for more than 31 days of looks.
func (r *Recorder) Gaps(ctx context.Context, item schedule.Item, from, to core.Moment) ([]Gap, error) {
	to = min(to, core.At(r.Now()))
	if to <= from {
		return nil, nil
	}
	here, err := r.store.present(ctx, from.Add(-tolerance), to.Add(tolerance))
	if err != nil {
		return nil, err
	}
	gaps := absences(here, from, to)
	if item.Every <= 0 {
		return gaps, nil
	}
	points, err := r.Series(ctx, item.Target.Owner, item.Target.ID, from, to)
	if err != nil {
		return nil, err
	}
	return merge(gaps, pauses(points, max(3*item.Every, time.Minute), from, to)), nil
}

// absences are the times without presence, and those with unfit presence only.
func absences(here []presence, from, to core.Moment) []Gap {
	fit := spans(here, true)
	running := spans(here, false)
	var out []Gap
	for _, hole := range holes(fit, from, to) {
		at := hole.From
		for _, off := range holes(running, hole.From, hole.To) {
			if off.From > at {
				out = append(out, Gap{at, off.From, Unfit})
			}
			out = append(out, Gap{off.From, off.To, Off})
			at = off.To
		}
		if at < hole.To {
			out = append(out, Gap{at, hole.To, Unfit})
		}
	}
	return out
}

// spans joins presence that is close; fit leaves out what was not.
func spans(here []presence, fit bool) []Gap {
	var out []Gap
	for _, p := range here { // by their beginnings
		switch n := len(out); {
		case fit && !p.fit:
		case n > 0 && p.from.Sub(out[n-1].To) <= tolerance && (!fit || !unfitBetween(here, out[n-1].To, p.from)):
			out[n-1].To = max(out[n-1].To, p.to)
		default:
			out = append(out, Gap{From: p.from, To: p.to})
		}
	}
	return out
}

func unfitBetween(here []presence, from, to core.Moment) bool {
	for _, p := range here {
		if !p.fit && p.from < to && p.to > from {
			return true
		}
	}
	return false
}

// holes are what spans leave of [from, to); shorter ones than the tolerance at its ends
// are none.
func holes(all []Gap, from, to core.Moment) []Gap {
	var out []Gap
	at := from
	for _, s := range all {
		if s.From > at && (at != from || s.From.Sub(at) > tolerance) {
			out = append(out, Gap{From: at, To: min(s.From, to)})
		}
		at = max(at, s.To)
		if at >= to {
			return out
		}
	}
	if to.Sub(at) > tolerance {
		out = append(out, Gap{From: at, To: to})
	}
	return out
}

// pauses are the times between two looks that were longer than they should.
func pauses(points []Point, longest time.Duration, from, to core.Moment) []Gap {
	var out []Gap
	at := from
	for _, p := range append(points, Point{At: to}) {
		if p.Class == look.Unfit {
			continue
		}
		if p.At.Sub(at) > longest {
			out = append(out, Gap{at, p.At, Idle})
		}
		at = p.At
	}
	return out
}

// merge adds the parts of pauses that no absence explains.
func merge(absent, idle []Gap) []Gap {
	var out []Gap
	rest, at := absent, core.Moment(0)
	for _, p := range idle {
		at = max(at, p.From)
		for len(rest) > 0 && rest[0].From < p.To {
			if g := rest[0]; g.To > at {
				if g.From.Sub(at) > time.Minute {
					out = append(out, Gap{at, g.From, Idle})
				}
				at = g.To
			}
			out = append(out, rest[0])
			rest = rest[1:]
		}
		if p.To.Sub(at) > time.Minute {
			out = append(out, Gap{at, p.To, Idle})
		}
	}
	return append(out, rest...)
}
