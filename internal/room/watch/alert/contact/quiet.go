package contact

import (
	"time"
)

// Quiet are the hours of each night, in the person's zone, in which delivery waits. The
// zero value has none.
type Quiet struct {
	From Clock `json:"from,omitempty"` // "22:00"
	To   Clock `json:"to,omitempty"`   // "07:00"; earlier than From = the next day
	// Wake: the person agreed to be woken by what is worth it (Page).
	Wake bool `json:"wake,omitempty"`
}

// Clock is a time of day, "07:30".
type Clock string

func (c Clock) parse() (hour, minute int, ok bool) {
	t, err := time.Parse("15:04", string(c))
	return t.Hour(), t.Minute(), err == nil && len(c) == 5
}

// night is when a weak verdict wakes nobody, not even who set no quiet hours.
func night() Quiet { return Quiet{From: "22:00", To: "07:00"} }

// morning is when a digest goes to who has no quiet hours.
const morning = 9

func (q Quiet) none() bool { return q.From == "" && q.To == "" }

func (q Quiet) check() error {
	if q.none() {
		return nil
	}
	_, _, from := q.From.parse()
	_, _, to := q.To.parse()
	if !from || !to || q.From == q.To {
		return bad("quiet", string(q.From)+"-"+string(q.To))
	}
	return nil
}

// end says whether now is within the hours, and when these end. The hours are an
// interval between two instants that the zone's calendar names, so that a change of the
// clocks makes it an hour longer or shorter, and never two intervals.
func (q Quiet) end(now time.Time, loc *time.Location) (time.Time, bool) {
	fh, fm, ok := q.From.parse()
	th, tm, ok2 := q.To.parse()
	if !ok || !ok2 {
		return time.Time{}, false
	}
	over := 0
	if q.To < q.From {
		over = 1
	}
	y, m, d := now.In(loc).Date()
	for day := d - 2; day <= d+1; day++ {
		begins, ends := time.Date(y, m, day, fh, fm, 0, 0, loc), time.Date(y, m, day+over, th, tm, 0, 0, loc)
		if !now.Before(begins) && now.Before(ends) {
			return ends, true
		}
	}
	return time.Time{}, false
}

// At is when something of a level is to be delivered to the person: now, or later with
// held = true. What is weak wakes nobody.
func (p Person) At(level Level, weak bool, now time.Time) (due time.Time, held bool) {
	loc := zone(p.Zone)
	end, quiet := p.Quiet.end(now, loc)
	switch {
	case level == Digest:
		return p.digest(now, loc), true
	case quiet && (level != Page || weak || !p.Quiet.Wake):
		return end, true
	case quiet, level != Page, !weak, !p.Quiet.none():
		return now, false
	}
	if end, quiet := night().end(now, loc); quiet {
		return end, true
	}
	return now, false
}

// digest is the next end of the quiet hours, or the next morning.
func (p Person) digest(now time.Time, loc *time.Location) time.Time {
	hour, minute, ok := p.Quiet.To.parse()
	if !ok {
		hour, minute = morning, 0
	}
	y, m, d := now.In(loc).Date()
	for day := d; ; day++ {
		if at := time.Date(y, m, day, hour, minute, 0, 0, loc); at.After(now) {
			return at
		}
	}
}

// Asleep says whether the person's delivery waits now for all that does not wake.
func (p Person) Asleep(now time.Time) bool {
	_, quiet := p.Quiet.end(now, zone(p.Zone))
	return quiet
}
