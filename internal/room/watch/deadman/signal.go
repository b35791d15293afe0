package deadman

import (
	"strings"
	"time"

	"github.com/adhocore/gronx"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/target"
)

// Kind is what a ping says.
type Kind string

// The kinds of pings.
const (
	Success Kind = "success" // the work ended well
	Start   Kind = "start"   // it began
	Fail    Kind = "fail"    // it failed
	Log     Kind = "log"     // nothing but its text: it changes no state
)

// Ping is one call.
type Ping struct {
	Owner  core.MemberID
	Target string // its ID
	Kind   Kind
	Code   int // the exit code of Fail, 1 to 255; 0 = none was told
	At     core.Moment
	Via    core.MemberID // who got it
	Bytes  int           // the length of its body, as far as it was read
	Line   string        // the first line of its body; for the owner alone
}

// Record is what was heard of one target. The zero value: nothing yet.
type Record struct {
	Last    core.Moment   // the newest success
	Started core.Moment   // the newest start
	Failed  core.Moment   // the newest failure
	Ran     time.Duration // how long the last run took that told its start
	Code    int           // the exit code of the newest failure
	Via     core.MemberID // who got the newest of them
}

func (r Record) newest() core.Moment { return max(r.Last, r.Started, r.Failed) }

// With is the record after one more ping. Pings come by several ways: in whatever order,
// and however often, they are put together, Last, Started, Failed and Via are the same.
func (r Record) With(p Ping) Record {
	if p.Kind == Log {
		return r
	}
	if newest := r.newest(); p.At > newest || p.At == newest && p.Via > r.Via {
		r.Via = p.Via
	}
	if p.Kind == Start {
		r.Started = max(r.Started, p.At)
		return r
	}
	if p.Kind == Fail && (p.At > r.Failed || p.At == r.Failed && p.Code > r.Code) {
		r.Code = p.Code
	}
	if r.Started > 0 && r.Started <= p.At && max(r.Last, r.Failed) < r.Started {
		r.Ran = p.At.Sub(r.Started)
	}
	if p.Kind == Fail {
		r.Failed = max(r.Failed, p.At)
	} else {
		r.Last = max(r.Last, p.At)
	}
	return r
}

// State is how a target stands. The words are those of Healthchecks.
type State string

// The states.
const (
	Unheard State = "new"    // no ping yet
	Up      State = "up"     // the last one came, the next is not due
	Late    State = "late"   // due, within the grace
	Down    State = "down"   // silent beyond the grace, or it said that it failed
	Paused  State = "paused" // nothing is expected
)

// Standing is a target's state now.
type Standing struct {
	State State
	// Failed: it is down because it said so. Otherwise down is silence.
	Failed  bool
	Running bool // it began and did not end yet
	// Due is when the next ping is expected, Deadline when its lack is silence. Zero =
	// none is expected.
	Due, Deadline core.Moment
}

// skew is how wrong the clocks of two members may be: a ping so much before its time by
// cron counts for that time.
const skew = time.Minute

// Judge says how a target stands, of what was heard.
func Judge(t target.Target, r Record, now core.Moment) Standing {
	signal := t.Expect.Signal
	running := r.Started > max(r.Last, r.Failed)
	switch {
	case t.Paused || signal == nil:
		return Standing{State: Paused}
	case r.newest() == 0:
		return Standing{State: Unheard}
	case r.Failed > r.Last:
		return Standing{State: Down, Failed: true, Running: running}
	}
	s := Standing{State: Up, Running: running}
	grace := Grace(*signal)
	if r.Last > 0 {
		if s.Due = next(*signal, r.Last); s.Due == 0 {
			return s
		}
		s.Deadline = s.Due.Add(grace)
	}
	// What began must end within the grace.
	if running && (s.Deadline == 0 || r.Started.Add(grace) < s.Deadline) {
		s.Due, s.Deadline = r.Started, r.Started.Add(grace)
	}
	switch {
	case now >= s.Deadline:
		s.State = Down
	case now >= s.Due && !running:
		s.State = Late
	}
	return s
}

// minGrace is the least time that a ping may be late: it may come by another member.
const minGrace = time.Minute

// Grace is how late a ping may be.
func Grace(s target.Signal) time.Duration {
	return max(time.Duration(s.Grace)*time.Second, minGrace)
}

// next is when the ping after one at last is due; zero: never, for an expression without
// a time to come.
func next(s target.Signal, last core.Moment) core.Moment {
	if s.Cron == "" {
		return last.Add(time.Duration(s.Period) * time.Second)
	}
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return 0
	}
	at, err := NextTick(s.Cron, last.Add(skew).Time().In(zone))
	if err != nil {
		return 0
	}
	return core.At(at)
}

// NextTick is the first time of a cron expression after a time, in that time's zone. As
// Debian's cron does, work of a fixed hour runs once on the day on which that hour comes
// twice, and also on the day on which it does not come; work of every hour follows the
// hours that pass. Returns CodeInvalid for no cron expression of five fields, and for one
// that has no time in the years to come.
func NextTick(cron string, after time.Time) (time.Time, error) {
	fields := strings.Fields(cron)
	if len(fields) != 5 || !gronx.IsValid(cron) {
		return time.Time{}, core.Invalid("watch.deadman.bad_cron", nil).With("Cron", cron)
	}
	zone := after.Location()
	if strings.HasPrefix(fields[1], "*") {
		return hourly(cron, after)
	}
	// The clock on the wall, as if it were UTC, has every hour once a day.
	shown := wall(after, time.UTC)
	if begun, back := turnedBack(after); back > 0 {
		// All that it shows a second time has been: work that began before may end now.
		shown = wall(begun, time.UTC).Add(back - time.Second)
	}
	at, err := gronx.NextTickAfter(cron, shown, false)
	if err != nil || !at.After(shown) {
		return time.Time{}, core.Invalid("watch.deadman.no_time", err).With("Cron", cron)
	}
	return onWall(at, zone), nil
}

// hourly is NextTick for work that runs in every hour, or every so many: clocks that are
// changed change nothing for it. It counts with the offset of now until that changes, then
// with the new one.
func hourly(cron string, after time.Time) (time.Time, error) {
	from, zone := after, after.Location()
	for range 20 { // ten years of changes
		name, offset := from.Zone()
		at, err := gronx.NextTickAfter(cron, from.In(time.FixedZone(name, offset)), false)
		if err != nil || !at.After(from) {
			return time.Time{}, core.Invalid("watch.deadman.no_time", err).With("Cron", cron)
		}
		_, ends := from.ZoneBounds()
		if ends.IsZero() || at.Before(ends) {
			return at.In(zone), nil
		}
		// A second before the change, seen with the offset after it.
		_, offset = ends.Zone()
		at, err = gronx.NextTickAfter(cron, ends.Add(-time.Second).In(time.FixedZone(name, offset)), false)
		if err != nil {
			return time.Time{}, core.Invalid("watch.deadman.no_time", err).With("Cron", cron)
		}
		if _, next := ends.ZoneBounds(); next.IsZero() || at.Before(next) {
			return at.In(zone), nil
		}
		from = ends
	}
	return time.Time{}, core.Invalid("watch.deadman.no_time", nil).With("Cron", cron)
}

// onWall is when the clocks of a zone show a time for the first time; an hour that is
// skipped counts on with the offset before it.
func onWall(shown time.Time, zone *time.Location) time.Time {
	at := wall(shown, zone)
	if !wall(at, time.UTC).Equal(shown) {
		_, before := at.Add(-24 * time.Hour).Zone()
		return shown.Add(-time.Duration(before) * time.Second).In(zone)
	}
	if _, back := turnedBack(at); back > 0 {
		return at.Add(-back)
	}
	return at
}

// turnedBack says whether the clocks show t for the second time: since when, and by how
// much they were turned back; zero when not.
func turnedBack(t time.Time) (begun time.Time, back time.Duration) {
	begun, _ = t.ZoneBounds()
	if begun.IsZero() {
		return begun, 0
	}
	_, was := begun.Add(-time.Second).Zone()
	_, is := t.Zone()
	back = time.Duration(was-is) * time.Second
	if back <= 0 || !t.Before(begun.Add(back)) {
		return begun, 0
	}
	return begun, back
}

// wall is the time at which clocks of another zone show what those of t's zone show at t.
func wall(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, zone)
}
