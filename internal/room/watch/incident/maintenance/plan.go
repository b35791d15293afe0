package maintenance

import (
	"errors"
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // every node must know the zones that an entry names, whatever its system has

	"entrechat/internal/core"
	"entrechat/internal/room/watch/incident/availability"
	"entrechat/internal/room/watch/incident/note"
)

// Longest is the longest maintenance; what takes longer is an outage.
const Longest = 7 * 24 * time.Hour

// ahead is how far in the future one may be planned.
const ahead = 400 * 24 * time.Hour

// State says how far a plan is.
type State string

// The states.
const (
	Planned   State = "planned"
	Running   State = "running"
	Over      State = "over"
	Ended     State = "ended"     // before its time
	Cancelled State = "cancelled" // it does not take place
)

// Plan is one maintenance.
type Plan struct {
	ID       string        `json:"id"` // leaf hash (hex) of its entry
	Owner    core.MemberID `json:"owner"`
	Services []string      `json:"services"` // empty = all
	Start    core.Moment   `json:"start_us"`
	End      core.Moment   `json:"end_us"`
	Zone     string        `json:"zone"` // IANA name, for showing; never empty
	// Announced is when it was said, and not before anything its owner said earlier.
	Announced core.Moment `json:"announced_us"`
	// Closed is when it was ended early or cancelled; zero = it was not.
	Closed    core.Moment `json:"closed_us,omitzero"`
	Cancelled bool        `json:"cancelled,omitempty"`
	// Name is that of its text, empty = none; Text is filled by readers when it is here.
	Name string     `json:"sha256,omitempty"`
	Text *note.Text `json:"text,omitempty"`
}

// Until is when it ends, or ended.
func (p Plan) Until() core.Moment {
	if p.Closed != 0 {
		return max(p.Start, min(p.Closed, p.End))
	}
	return p.End
}

// State is how far it is.
func (p Plan) State(now core.Moment) State {
	switch {
	case p.Cancelled:
		return Cancelled
	case p.Closed != 0:
		return Ended
	case now < p.Start:
		return Planned
	case now < p.End:
		return Running
	}
	return Over
}

// Covers says whether a service may be down at a moment because of it.
func (p Plan) Covers(service string, at core.Moment) bool {
	return !p.Cancelled && p.Start <= at && at < p.Until() && p.About(service)
}

// About says whether it concerns a service.
func (p Plan) About(service string) bool {
	return len(p.Services) == 0 || slices.Contains(p.Services, service)
}

// Notice is how long before its start it was announced; at least zero.
func (p Plan) Notice() time.Duration { return max(0, p.Start.Sub(p.Announced)) }

// Windows are those of the plans that concern a service, as availability counts them.
func Windows(plans []Plan, service string) (out []availability.Window) {
	for _, p := range plans {
		if !p.Cancelled && p.About(service) && p.Until() > p.Start {
			out = append(out, availability.Window{From: p.Start, To: p.Until(), Announced: p.Announced})
		}
	}
	return out
}

// Check refuses a plan that cannot stand. CodeInvalid.
func (p Plan) Check() error {
	if p.Start <= 0 || p.End <= p.Start || p.End.Sub(p.Start) > Longest {
		return core.Invalid("watch.maintenance.bad_times", fmt.Errorf("from %d to %d", p.Start, p.End))
	}
	if _, err := Zone(p.Zone); err != nil {
		return err
	}
	if p.Name != "" && !note.IsName(p.Name) {
		return core.Invalid("watch.incident.bad_entry", errors.New("no name of a text"))
	}
	return note.CheckServices(p.Services)
}

// checkNew is Check for one that is made now.
func (p Plan) checkNew(now core.Moment) error {
	if p.End <= now {
		return core.Invalid("watch.maintenance.past", errors.New("it is over already"))
	}
	if p.Start > now.Add(ahead) {
		return core.Invalid("watch.maintenance.bad_times", errors.New("too far ahead"))
	}
	return p.Check()
}

// local is how time names the zone of a machine, which is no place's name.
const local = "Local"

// Zone reads the name of a time zone; it must be a place's, or UTC. CodeInvalid.
func Zone(name string) (*time.Location, error) {
	at, err := time.LoadLocation(name)
	if name == "" || name == local || len(name) > 60 || err != nil {
		return nil, core.Invalid("watch.maintenance.bad_zone", fmt.Errorf("zone %.60q: %w", name, err)).With("Zone", name)
	}
	return at, nil
}

// ParseTime reads what people type: "2026-12-01 22:00", with a T between them,
// "01/12/2026 22:00" (day first), or RFC 3339 with its own zone. A time that a place's clocks
// jump over is refused; of one they show twice the first is meant, or the second when it
// must be after another moment. CodeInvalid.
func ParseTime(s string, at *time.Location, after core.Moment) (core.Moment, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return core.At(t), nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", "02/01/2006 15:04"} {
		t, err := time.ParseInLocation(layout, s, at)
		if err != nil {
			continue
		}
		if t.Format(layout) != s {
			return 0, core.Invalid("watch.maintenance.no_such_time", fmt.Errorf("%.40q does not exist in %s", s, at)).With("Time", s).With("Zone", at.String())
		}
		// Clocks are turned back by at most an hour, in steps of half an hour.
		twice := []core.Moment{core.At(t)}
		for _, d := range []time.Duration{-time.Hour, -30 * time.Minute, 30 * time.Minute, time.Hour} {
			if other := t.Add(d); other.Format(layout) == s {
				twice = append(twice, core.At(other))
			}
		}
		slices.Sort(twice)
		for _, m := range twice {
			if m > after {
				return m, nil
			}
		}
		return twice[0], nil
	}
	return 0, core.Invalid("watch.maintenance.bad_time", fmt.Errorf("%.40q is no time", s)).With("Time", s)
}
