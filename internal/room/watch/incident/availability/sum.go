package availability

import (
	"encoding/json"
	"time"

	"entrechat/internal/core"
)

// Sum is how long each condition lasted. Together they are the period, to the microsecond.
type Sum struct {
	Up, Partial, Down, Maintenance, Unknown time.Duration
}

// MarshalJSON writes whole seconds: {"up_s":…,"partial_s":…,"down_s":…,…}.
func (s Sum) MarshalJSON() ([]byte, error) {
	sec := func(d time.Duration) int64 { return int64(d / time.Second) }
	return json.Marshal(struct {
		Up          int64 `json:"up_s"`
		Partial     int64 `json:"partial_s"`
		Down        int64 `json:"down_s"`
		Maintenance int64 `json:"maintenance_s"`
		Unknown     int64 `json:"unknown_s"`
	}{sec(s.Up), sec(s.Partial), sec(s.Down), sec(s.Maintenance), sec(s.Unknown)})
}

// Total is the length of the period.
func (s Sum) Total() time.Duration { return s.Up + s.Partial + s.Down + s.Maintenance + s.Unknown }

// With is the share of the known time that the service was up, maintenance counted as time
// it was not; ok is false while nothing is known.
func (s Sum) With() (share float64, ok bool) { return shareOf(s.Up, s.Total()-s.Unknown) }

// Without is the same with maintenance left out of the period.
func (s Sum) Without() (share float64, ok bool) {
	return shareOf(s.Up, s.Total()-s.Unknown-s.Maintenance)
}

func shareOf(part, whole time.Duration) (float64, bool) {
	if whole <= 0 {
		return 0, false
	}
	return float64(part) / float64(whole), true
}

// Add adds a part of a period.
func (s *Sum) Add(c Condition, d time.Duration) {
	switch c {
	case Up:
		s.Up += d
	case Partial:
		s.Partial += d
	case Down:
		s.Down += d
	case Maintenance:
		s.Maintenance += d
	default:
		s.Unknown += d
	}
}

// Of sums parts up.
func Of(parts []Part) (s Sum) {
	for _, p := range parts {
		s.Add(p.Condition, p.To.Sub(p.From))
	}
	return s
}

// Span is a period of the calendar: a day, a month, or the part of one that lies in the
// period asked for.
type Span struct {
	From core.Moment `json:"from_us"`
	To   core.Moment `json:"to_us"`
}

// Days divides a period into the days of a place. A day may have 23 or 25 hours there.
func Days(from, to core.Moment, at *time.Location) []Span {
	return calendar(from, to, func(t time.Time) time.Time {
		t = t.In(at)
		return time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, at)
	})
}

// Months divides a period into the months of a place.
func Months(from, to core.Moment, at *time.Location) []Span {
	return calendar(from, to, func(t time.Time) time.Time {
		t = t.In(at)
		return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, at)
	})
}

func calendar(from, to core.Moment, next func(time.Time) time.Time) (out []Span) {
	for from < to {
		end := core.At(next(from.Time()))
		if end <= from { // a day whose midnight the clocks jump over
			end = from.Add(time.Hour)
		}
		end = min(end, to)
		out = append(out, Span{from, end})
		from = end
	}
	return out
}

// Cut takes from parts what lies in spans; both are in order.
func Cut(parts []Part, spans []Span) (out []Part) {
	n := 0
	for _, s := range spans {
		for n < len(parts) && parts[n].To <= s.From {
			n++
		}
		for k := n; k < len(parts) && parts[k].From < s.To; k++ {
			p := parts[k]
			p.From, p.To = max(p.From, s.From), min(p.To, s.To)
			out = append(out, p)
		}
	}
	return out
}
