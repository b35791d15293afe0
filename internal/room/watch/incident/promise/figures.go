package promise

import (
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/incident/availability"
	"entrechat/internal/room/watch/incident/maintenance"
)

// Outcome says whether a month kept its promise.
type Outcome string

// The outcomes. The zero value: nothing was promised for that month, or its beginning lies
// outside the period.
const (
	None    Outcome = ""
	Kept    Outcome = "kept"
	Missed  Outcome = "missed"
	Unsure  Outcome = "unsure"  // it may be kept: what is unknown could break it
	Running Outcome = "running" // the month is not over, and the budget not used up
)

// Day is one day of a place, or the part of one.
type Day struct {
	availability.Span
	Sum availability.Sum `json:"sum"`
}

// Month is one month of a place held against the promise that stood when it began.
type Month struct {
	availability.Span
	Sum     availability.Sum
	Outcome Outcome
	// Away is what uses the budget up; Budget what was promised; Left what is left of it.
	// All are zero where nothing was promised.
	Away, Budget, Left time.Duration
}

// Restores is how long outages lasted that were not planned.
type Restores struct {
	Count  int           // that are over
	Open   int           // that are not
	P50    time.Duration // of those that are over
	P90    time.Duration
	Kept   int // of Judged, those that were over in time
	Judged int // those of which something was promised
}

// Figures is what was measured of a service, beside what was promised.
type Figures struct {
	Owner    core.MemberID
	Service  string
	Zone     string
	From, To core.Moment
	Sum      availability.Sum
	Days     []Day
	Months   []Month
	// Kept of Judged months kept their promise; of Unsure ones nobody knows.
	Kept, Judged, Unsure int
	Restores             Restores
	// Promise stands at the end of the period; nil = nothing is promised.
	Promise *Said
}

// Measured is what figures are made of.
type Measured struct {
	Owner     core.MemberID
	Service   string
	From, To  core.Moment
	Intervals []availability.Interval // of the service; may begin before From
	Plans     []maintenance.Plan
	Promises  []Said // of the service, in their order
	At        *time.Location
	Now       core.Moment
}

// Measure makes the figures of a service over a period. What lies after Now is left out.
// spec: docs/spec/incident.md#availability
func Measure(m Measured) Figures {
	m.To = min(m.To, m.Now)
	f := Figures{Owner: m.Owner, Service: m.Service, Zone: m.At.String(), From: m.From, To: max(m.From, m.To)}
	windows := maintenance.Windows(m.Plans, m.Service)
	parts := availability.Parts(m.Intervals, windows, m.From, m.To)
	f.Sum = availability.Of(parts)
	for _, span := range availability.Days(m.From, m.To, m.At) {
		f.Days = append(f.Days, Day{span, availability.Of(availability.Cut(parts, []availability.Span{span}))})
	}
	for _, span := range availability.Months(m.From, m.To, m.At) {
		one := m.month(span, parts, windows)
		f.Months = append(f.Months, one)
		switch one.Outcome {
		case Kept:
			f.Kept++
			f.Judged++
		case Missed:
			f.Judged++
		case Unsure:
			f.Unsure++
		default:
		}
	}
	f.Restores = m.restores(windows)
	if p, ok := At(m.Promises, m.To); ok {
		f.Promise = &p
	}
	return f
}

// month judges one month.
func (m Measured) month(span availability.Span, parts []availability.Part, windows []availability.Window) Month {
	cut := availability.Cut(parts, []availability.Span{span})
	out := Month{Span: span, Sum: availability.Of(cut)}
	begins := span.From.Time().In(m.At)
	first := core.At(time.Date(begins.Year(), begins.Month(), 1, 0, 0, 0, 0, m.At))
	p, ok := At(m.Promises, first)
	if !ok || p.Away == nil {
		return out
	}
	away, unknown := p.away(availability.Cut(cut, p.spans(span.From, span.To, m.At)), windows)
	out.Away, out.Budget = away, time.Duration(*p.Away)*time.Minute
	out.Left = max(0, out.Budget-away)
	end := core.At(time.Date(begins.Year(), begins.Month()+1, 1, 0, 0, 0, 0, m.At))
	switch {
	case away > out.Budget:
		out.Outcome = Missed
	case span.From > first:
		out.Outcome = None
	case span.To < end:
		out.Outcome = Running
	case away+unknown > out.Budget:
		out.Outcome = Unsure
	default:
		out.Outcome = Kept
	}
	return out
}

// away is the time of parts inside the service hours that uses the budget up: down, and
// maintenance announced too late or beyond the cap.
func (p Promise) away(parts []availability.Part, windows []availability.Window) (away, unknown time.Duration) {
	var planned time.Duration
	for _, one := range parts {
		long := one.To.Sub(one.From)
		switch one.Condition {
		case availability.Down:
			away += long
		case availability.Unknown:
			unknown += long
		case availability.Maintenance:
			w := windows[one.Window]
			if w.From.Sub(w.Announced) < time.Duration(p.Notice)*time.Hour {
				away += long
			} else {
				planned += long
			}
		default:
		}
	}
	if p.Maintenance > 0 {
		away += max(0, planned-time.Duration(p.Maintenance)*time.Minute)
	}
	return away, unknown
}

// restores measures the outages that began in the period.
func (m Measured) restores(windows []availability.Window) (r Restores) {
	var took []time.Duration
	for _, o := range availability.Outages(m.Intervals, windows, m.From, m.To) {
		if o.Planned {
			continue
		}
		if o.To == 0 {
			r.Open++
		} else {
			r.Count++
			took = append(took, o.To.Sub(o.From))
		}
		p, ok := At(m.Promises, o.From)
		if !ok {
			continue
		}
		by, ok := p.Deadline(o.From)
		switch {
		case !ok || o.To == 0 && m.To <= by: // nothing promised, or still in time
		case o.To != 0 && o.To <= by:
			r.Kept++
			r.Judged++
		default:
			r.Judged++
		}
	}
	r.P50, r.P90 = availability.Percentile(took, 0.5), availability.Percentile(took, 0.9)
	return r
}
