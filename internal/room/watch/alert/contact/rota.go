package contact

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// Rota says who is on call when, in the calendar of its zone. The zero value has nobody
// on call: everybody is told.
type Rota struct {
	Zone   string  `json:"zone,omitempty"`
	Shifts []Shift `json:"shifts,omitempty"`
}

// Shift is one person's line: it begins at Start and, by its rule, again and again.
type Shift struct {
	Person string `json:"person"`
	// Start is the first time, on the clock of the rota's zone: "2026-11-30T09:00".
	Start   string `json:"start"`
	Minutes int64  `json:"minutes"` // on the same clock: a shift of 24 h ends when it began
	// Rule is an RRULE (RFC 5545) with FREQ DAILY or WEEKLY and INTERVAL, BYDAY, WKST, COUNT
	// or UNTIL; empty = once.
	Rule string `json:"rule,omitempty"`
	// Second: who is asked when the first does not answer.
	Second bool `json:"second,omitempty"`
}

const (
	layout     = "2006-01-02T15:04"
	maxMinutes = 31 * 24 * 60
	// maxRuns bounds the days over which a rule is followed from its start.
	maxRuns = 20 * 366
)

// Occurrence is one shift as it falls.
type Occurrence struct {
	Person   string
	From, To time.Time
	Second   bool
}

func (r Rota) check(people map[string]bool) error {
	if _, err := Zone(r.Zone); err != nil {
		return err
	}
	for _, s := range r.Shifts {
		if !people[s.Person] {
			return bad("person", s.Person)
		}
		if s.Minutes < 1 || s.Minutes > maxMinutes {
			return bad("shift", s.Start)
		}
		if _, err := s.rule(zone(r.Zone)); err != nil {
			return bad("shift", Short(s.Rule+" "+s.Start, maxName))
		}
	}
	return nil
}

// rule reads the shift's rule. Rules that are dear to follow, or that no rota needs, are
// refused: a rule may come from another member.
func (s Shift) rule(loc *time.Location) (*rrule.RRule, error) {
	start, err := time.ParseInLocation(layout, s.Start, loc)
	if err != nil {
		return nil, err
	}
	if start.Year() < 2000 || start.Year() > 2200 || len(s.Rule) > 200 {
		return nil, errors.New("out of bounds")
	}
	if s.Rule == "" {
		return rrule.NewRRule(rrule.ROption{Freq: rrule.DAILY, Count: 1, Dtstart: start})
	}
	for part := range strings.SplitSeq(s.Rule, ";") {
		name, _, _ := strings.Cut(part, "=")
		if !slices.Contains([]string{"FREQ", "INTERVAL", "BYDAY", "WKST", "COUNT", "UNTIL"}, name) {
			return nil, errors.New("a part no rota needs")
		}
	}
	o, err := rrule.StrToROptionInLocation(s.Rule, loc)
	if err != nil {
		return nil, err
	}
	if o.Freq != rrule.DAILY && o.Freq != rrule.WEEKLY || o.Interval < 0 || o.Interval > 400 || o.Count < 0 {
		return nil, errors.New("only days and weeks, and not so far apart")
	}
	for _, day := range o.Byweekday {
		if day.N() != 0 {
			return nil, errors.New("a numbered day")
		}
	}
	o.Dtstart = start
	return rrule.NewRRule(*o)
}

// Occurrences are the shifts that touch a span, in the order of their beginnings.
func (r Rota) Occurrences(from, to time.Time) []Occurrence {
	loc := zone(r.Zone)
	var out []Occurrence
	for _, s := range r.Shifts {
		rule, err := s.rule(loc)
		if err != nil || to.Sub(rule.GetDTStart()) > maxRuns*24*time.Hour {
			continue
		}
		// The margin of a day is for clocks that change within the shift.
		reach := time.Duration(s.Minutes)*time.Minute + 24*time.Hour
		for _, begins := range rule.Between(from.Add(-reach), to, true) {
			y, m, d := begins.Date()
			ends := time.Date(y, m, d, begins.Hour(), begins.Minute()+int(s.Minutes), 0, 0, loc)
			if ends.After(from) && begins.Before(to) {
				out = append(out, Occurrence{s.Person, begins, ends, s.Second})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Occurrence) int { return a.From.Compare(b.From) })
	return out
}

// Step is how far an alert went because nobody acknowledged it.
type Step int

// The steps, 30 minutes apart.
const (
	OnCall Step = iota
	Second
	Team
)

// Recipients are who is told at a step that was not told before. Without a shift now,
// everybody is on call: an alert never waits for a rota to be written.
func (p Plan) Recipients(step Step, now time.Time) []string {
	var first, second []string
	all := make([]string, 0, len(p.People))
	for _, d := range p.Rota.Occurrences(now, now.Add(time.Second)) {
		if d.Second {
			second = append(second, d.Person)
		} else {
			first = append(first, d.Person)
		}
	}
	for _, person := range p.People {
		all = append(all, person.ID)
	}
	if len(first) == 0 {
		first = all
	}
	if len(second) == 0 {
		second = p.next(first)
	}
	switch step {
	case OnCall:
		return unique(first, nil)
	case Second:
		return unique(second, first)
	default:
		return unique(all, slices.Concat(first, second))
	}
}

// next is the first person who is not among those.
func (p Plan) next(told []string) []string {
	for _, person := range p.People {
		if !slices.Contains(told, person.ID) {
			return []string{person.ID}
		}
	}
	return nil
}

func unique(list, without []string) []string {
	var out []string
	for _, id := range list {
		if !slices.Contains(without, id) && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}
