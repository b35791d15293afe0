package stage

import (
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/promise"
)

// Type is the kind of the entry by which an owner says how far the end of a service has come.
const Type = "entrechat/closing/1"

// Stage is how far the end of a service has come.
type Stage string

// The stages, in order. Offered and Adopted are left out where nobody takes the service over;
// Withdrawn ends a closing before Frozen.
const (
	Closing   Stage = "closing"
	Offered   Stage = "offered" // a member offers to take it over
	Adopted   Stage = "adopted" // both signed the handover
	Frozen    Stage = "frozen"  // read-only
	Cut       Stage = "cut"     // the adopter's copy is the service; without an adopter it ended
	Kept      Stage = "kept"    // the old copy stays a while
	Erased    Stage = "erased"
	Withdrawn Stage = "withdrawn"
)

// Stages are all of them in order, Withdrawn last.
func Stages() []Stage {
	return []Stage{Closing, Offered, Adopted, Frozen, Cut, Kept, Erased, Withdrawn}
}

const day = 24 * time.Hour

// Rules bound what an owner may say. Every node of a network has the same.
type Rules struct {
	Notice int64         // days, at least, between the first word and the last day; pacts may ask for more
	Kept   time.Duration // how long the old copy stays
}

// Usual are the rules.
func Usual() Rules { return Rules{Notice: 90, Kept: 30 * day} }

// Private are those of a network of tests, where nobody waits.
func Private() Rules { return Rules{} }

// Say is the body of an entry.
type Say struct {
	Service  string `json:"service"`
	LastDay  Day    `json:"last_day"`
	Stage    Stage  `json:"stage"`
	Handover string `json:"handover,omitempty"` // id of the handover, from Adopted on
}

// Check returns CodeInvalid "succession.closing.bad" for what says nothing at all.
func (s Say) Check() error {
	switch {
	case !promise.ValidService(s.Service):
		return bad("no name of a service")
	case !s.LastDay.Valid():
		return bad("no day")
	case !slices.Contains(Stages(), s.Stage):
		return bad("no stage")
	case s.Handover != "" && !ValidID(s.Handover):
		return bad("no id of a handover")
	}
	return nil
}

func bad(why string) error { return core.Invalid("succession.closing.bad", errors.New(why)) }

// ValidID says whether a text is the id of a document: 64 signs of lower-case hex.
func ValidID(id string) bool {
	raw, err := hex.DecodeString(id)
	return err == nil && len(raw) == 32 && hex.EncodeToString(raw) == id
}

// Day is a day of the calendar, "2026-12-24". The zero value is none.
type Day string

// Valid says whether it is a day, in the one way to write it.
func (d Day) Valid() bool {
	t, err := time.Parse(time.DateOnly, string(d))
	return err == nil && t.Format(time.DateOnly) == string(d) && t.Year() >= 2000
}

// Start is its first moment, UTC; zero when it is none.
func (d Day) Start() core.Moment {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return 0
	}
	return core.At(t)
}

// Add is the day n days later.
func (d Day) Add(n int64) Day { return DayOf(d.Start().Add(time.Duration(n) * day)) }

// Until is how many days lie between two of them.
func (d Day) Until(later Day) int64 { return int64(later.Start().Sub(d.Start()) / day) }

// DayOf is the day of a moment, UTC.
func DayOf(m core.Moment) Day { return Day(m.Time().UTC().Format(time.DateOnly)) }

// Heard is an entry as it is kept.
type Heard struct {
	Say

	Owner core.MemberID
	Index int64
	At    core.Moment // when its author says it wrote it
	// Notice is the longest notice, in days, of the pacts that stood in the same logbook then.
	Notice int64
}

// Step is an entry that counted.
type Step struct {
	Stage   Stage       `json:"stage"`
	LastDay Day         `json:"last_day"`
	At      core.Moment `json:"at_us"` // never before the step before it
	Index   int64       `json:"index"`
}

// Standing is where the end of a service stands. The zero value is a service that goes on.
type Standing struct {
	Owner    core.MemberID `json:"owner"`
	Service  string        `json:"service"`
	Stage    Stage         `json:"stage"`
	LastDay  Day           `json:"last_day"`
	Handover string        `json:"handover,omitempty"`
	Steps    []Step        `json:"steps"` // of this closing, the first word first
}

// Open says whether the service ends, or has ended.
func (s Standing) Open() bool { return s.Stage != "" && s.Stage != Withdrawn }

// Begun is the entry of the first word; s is not zero.
func (s Standing) Begun() Step { return s.Steps[0] }

// Since is the entry by which it came to its stage; s is not zero.
func (s Standing) Since() Step {
	i := slices.IndexFunc(s.Steps, func(step Step) bool { return step.Stage == s.Stage })
	return s.Steps[i]
}

// Fold computes the standings of one owner from its entries, in their order: one for each service
// that it ever closed, by name. What the rules forbid is passed over as if it were not there.
// spec: docs/spec/succession.md#planned
func Fold(rules Rules, entries []Heard) []Standing {
	now := map[string]Standing{}
	for _, e := range entries {
		if next, ok := rules.follow(now[e.Service], e); ok {
			now[e.Service] = next
		}
	}
	out := make([]Standing, 0, len(now))
	for _, s := range now {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Standing) int {
		if a.Service < b.Service {
			return -1
		}
		return 1
	})
	return out
}

// follow is what an entry makes of a standing; false passes it over.
func (r Rules) follow(before Standing, e Heard) (Standing, bool) {
	if e.Check() != nil {
		return before, false
	}
	if !before.Open() || before.Stage == Erased {
		return r.begin(e)
	}
	at := max(e.At, before.Steps[len(before.Steps)-1].At)
	handover := before.Handover
	if e.Stage == Adopted && before.Stage == Offered {
		handover = e.Handover
	}
	switch {
	case e.LastDay < before.LastDay, e.Handover != handover, !comes(before.Stage, e.Stage):
		return before, false
	case e.Stage == Adopted && handover == "":
		return before, false
	case e.Stage == before.Stage && e.LastDay == before.LastDay: // the same again
		return before, false
	case e.Stage == before.Stage && late(e.Stage): // it is read-only already
		return before, false
	case e.Stage == Frozen && at < e.LastDay.Start():
		return before, false
	case e.Stage == Erased && at < before.Since().At.Add(r.Kept):
		return before, false
	}
	after := before
	after.Stage, after.LastDay, after.Handover = e.Stage, e.LastDay, handover
	after.Steps = append(slices.Clip(before.Steps), Step{e.Stage, e.LastDay, at, e.Index})
	return after, true
}

// begin takes the first word of a closing.
func (r Rules) begin(e Heard) (Standing, bool) {
	if e.Stage != Closing || e.Handover != "" || e.LastDay < r.Earliest(DayOf(e.At), e.Notice) {
		return Standing{}, false
	}
	return Standing{e.Owner, e.Service, Closing, e.LastDay, "", []Step{{Closing, e.LastDay, e.At, e.Index}}}, true
}

// Earliest is the first day that can be the last one, when the first word is said on a day under
// pacts of a notice.
func (r Rules) Earliest(today Day, notice int64) Day {
	if r.Notice == 0 {
		return today
	}
	return today.Add(max(r.Notice, notice))
}

// comes says whether a stage may come after another, or be said again.
func comes(before, next Stage) bool {
	if next == Withdrawn || next == Frozen { // Frozen without Offered and Adopted where nobody takes it over
		return !late(before)
	}
	all := Stages()
	i, j := slices.Index(all, before), slices.Index(all, next)
	return j == i || j == i+1
}

// late says whether a stage is Frozen, or comes behind it.
func late(s Stage) bool { return slices.Contains([]Stage{Frozen, Cut, Kept, Erased}, s) }

// Late says whether the service can be changed no more.
func (s Standing) Late() bool { return late(s.Stage) }
