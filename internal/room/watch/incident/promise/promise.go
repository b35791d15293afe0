package promise

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/incident/availability"
	"entrechat/internal/room/watch/incident/maintenance"
	"entrechat/internal/room/watch/incident/note"
)

// Bounds of what can be promised.
const (
	maxAway   = 31 * 24 * 60 // minutes in a month
	maxNotice = 90 * 24      // hours
	maxDay    = 30 * 24      // hours to restore
)

// Promise is what a hoster promises for a service. Times of day are those of Zone.
// spec: docs/spec/incident.md#promises
type Promise struct {
	Service string `json:"service"`
	// Away is how many minutes in a month it may be away; nil = nothing is promised.
	Away *int64 `json:"away_min,omitempty"`
	// Hours are the service hours, in which away is counted; nil = always.
	Hours *Hours `json:"hours,omitempty"`
	// Restore says by when it is back; nil = nothing is promised.
	Restore *Restore `json:"restore,omitempty"`
	// Notice is how many hours before its start a maintenance is announced; 0 = none promised.
	Notice int64 `json:"notice_h,omitzero"`
	// Maintenance is how many minutes of it there are in a month at most; 0 = no cap.
	Maintenance int64  `json:"maintenance_min,omitzero"`
	Zone        string `json:"zone"`
	End         bool   `json:"end,omitempty"` // nothing is promised any more
}

// Said is a promise with when it was said; the last one before a moment counts then.
type Said struct {
	Promise
	Said core.Moment `json:"said_us"`
}

// Hours are times of the week.
type Hours struct {
	Days string `json:"days"` // "mo-fr", "mo,we,fr-su"
	From string `json:"from"` // "08:00"
	To   string `json:"to"`   // after From, at most "24:00"
}

// Restore says by when a fault is over. Each half may be left out.
type Restore struct {
	NightFrom string `json:"night_from,omitempty"` // "22:00"
	NightTo   string `json:"night_to,omitempty"`   // "08:00"
	// NightBy is when the clock shows it next, for a fault that begins at night: "12:00".
	NightBy string `json:"night_by,omitempty"`
	// Day is how many hours a fault lasts at most that begins by day; 0 = nothing is promised.
	Day int64 `json:"day_h,omitzero"`
}

// Check refuses what cannot be promised. CodeInvalid.
func (p Promise) Check() error {
	bad := func(field string) error {
		return core.Invalid("watch.promise.bad", fmt.Errorf("promise: %s", field)).With("Field", field)
	}
	if err := note.CheckLine("service", p.Service, note.MaxService); err != nil || p.Service == "" {
		return errors.Join(err, bad("service"))
	}
	if _, err := maintenance.Zone(p.Zone); err != nil {
		return err
	}
	switch {
	case p.Away != nil && (*p.Away < 0 || *p.Away > maxAway):
		return bad("away")
	case p.Notice < 0 || p.Notice > maxNotice:
		return bad("notice")
	case p.Maintenance < 0 || p.Maintenance > maxAway:
		return bad("maintenance")
	}
	if p.Hours != nil {
		if _, err := p.Hours.parse(); err != nil {
			return bad("hours")
		}
	}
	if p.Restore != nil && !p.Restore.fits() {
		return bad("restore")
	}
	return nil
}

// clock reads "HH:MM" as minutes after midnight, "24:00" included; ok is false for anything
// else.
func clock(s string) (minutes int, ok bool) {
	if s == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil && len(s) == len("15:04")
}

// weekdays are their names, by time.Weekday.
func weekdays() []string { return []string{"su", "mo", "tu", "we", "th", "fr", "sa"} }

// week are hours that were read: the days, and minutes after midnight.
type week struct {
	days     [7]bool // by time.Weekday
	from, to int
}

func (h Hours) parse() (w week, err error) {
	var okFrom, okTo bool
	w.from, okFrom = clock(h.From)
	w.to, okTo = clock(h.To)
	if !okFrom || !okTo || w.from >= w.to || len(h.Days) > 40 {
		return w, errors.New("no such hours")
	}
	number := map[string]int{}
	for n, name := range weekdays() {
		number[name] = n
	}
	for part := range strings.SplitSeq(h.Days, ",") {
		first, last, isRange := strings.Cut(part, "-")
		a, ok := number[first]
		b, ok2 := a, true
		if isRange {
			b, ok2 = number[last]
		}
		if !ok || !ok2 {
			return w, fmt.Errorf("no such day: %.10q", part)
		}
		for d := a; ; d = (d + 1) % 7 {
			w.days[d] = true
			if d == b {
				break
			}
		}
	}
	return w, nil
}

// spans are the service hours in a period; the whole of it without any.
func (p Promise) spans(from, to core.Moment, at *time.Location) (out []availability.Span) {
	if p.Hours == nil {
		return []availability.Span{{From: from, To: to}}
	}
	w, err := p.Hours.parse()
	if err != nil {
		return nil
	}
	for _, d := range availability.Days(from, to, at) {
		day := d.From.Time().In(at)
		if !w.days[day.Weekday()] {
			continue
		}
		moment := func(minutes int) core.Moment {
			return core.At(time.Date(day.Year(), day.Month(), day.Day(), 0, minutes, 0, 0, at))
		}
		span := availability.Span{From: max(moment(w.from), d.From), To: min(moment(w.to), d.To)}
		if span.To > span.From {
			out = append(out, span)
		}
	}
	return out
}

func (r Restore) fits() bool {
	if r.Day < 0 || r.Day > maxDay {
		return false
	}
	if r.NightFrom == "" && r.NightTo == "" && r.NightBy == "" {
		return r.Day > 0
	}
	from, ok := clock(r.NightFrom)
	to, ok2 := clock(r.NightTo)
	by, ok3 := clock(r.NightBy)
	return ok && ok2 && ok3 && from != to && from < 24*60 && to < 24*60 && by < 24*60
}

// Deadline is by when a fault is promised to be over that begins then; ok is false where
// nothing is promised of it.
func (p Promise) Deadline(began core.Moment) (by core.Moment, ok bool) {
	at, err := maintenance.Zone(p.Zone)
	if p.Restore == nil || err != nil {
		return 0, false
	}
	r, local := *p.Restore, began.Time().In(at)
	if r.NightBy != "" && r.night(local.Hour()*60+local.Minute()) {
		minutes, _ := clock(r.NightBy)
		for d := range 3 {
			if by := core.At(time.Date(local.Year(), local.Month(), local.Day()+d, 0, minutes, 0, 0, at)); by > began {
				return by, true
			}
		}
	}
	return began.Add(time.Duration(r.Day) * time.Hour), r.Day > 0
}

func (r Restore) night(minutes int) bool {
	from, _ := clock(r.NightFrom)
	to, _ := clock(r.NightTo)
	if from < to {
		return minutes >= from && minutes < to
	}
	return minutes >= from || minutes < to
}

// At is the promise that stands at a moment, of those of one service in their order; ok is
// false while nothing is promised.
func At(all []Said, at core.Moment) (p Said, ok bool) {
	for _, one := range all {
		if one.Said <= at {
			p, ok = one, !one.End
		}
	}
	return p, ok
}
