package wave

import (
	"slices"
	"strconv"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/closing/stage"
)

// Kind is what a wave says. Each has a title and a text, "succession.wave.KIND_title" and
// "succession.wave.KIND_text".
type Kind string

// The kinds of waves.
const (
	First     Kind = "first"     // it ends
	Moved     Kind = "moved"     // the last day is later
	Adopted   Kind = "adopted"   // a member takes it over
	Before    Kind = "before"    // so many days are left
	Withdrawn Kind = "withdrawn" // it goes on
)

// Wave is one mail to everybody.
type Wave struct {
	Kind Kind
	Days int64 // of Before: how many days ahead it is due
	// Name tells it from every other wave of the service, for ever: it has the entry that began the
	// closing, and the last day it counts down to.
	Name string
}

// ahead are how many days before the last day people are written to.
func ahead() []int64 { return []int64{60, 30, 7, 1} }

const day = 24 * time.Hour

// Due lists the waves that people should have had by now, the oldest first. Of the waves that count
// down the last alone is one: who was away gets one mail, not four.
// spec: docs/spec/succession.md#planned
func Due(s stage.Standing, now core.Moment) []Wave {
	if s.Stage == "" {
		return nil
	}
	begun := strconv.FormatInt(s.Begun().Index, 10)
	if s.Stage == stage.Withdrawn {
		return []Wave{{Kind: Withdrawn, Name: "withdrawn " + begun}}
	}
	out := []Wave{{Kind: First, Name: "first " + begun}}
	if s.LastDay != s.Begun().LastDay {
		out = append(out, Wave{Kind: Moved, Name: "moved " + begun + " " + string(s.LastDay)})
	}
	if slices.ContainsFunc(s.Steps, func(step stage.Step) bool { return step.Stage == stage.Adopted }) {
		out = append(out, Wave{Kind: Adopted, Name: "adopted " + begun})
	}
	if s.Late() {
		return out
	}
	for _, n := range slices.Backward(ahead()) {
		at := s.LastDay.Start().Add(-time.Duration(n) * day)
		// One that was due before the day was said, or within a day after, is the first mail's.
		if now >= at && now < s.LastDay.Start().Add(day) && at >= said(s).Add(day) {
			return append(out, Wave{Kind: Before, Days: n, Name: "before " + begun + " " + string(s.LastDay) + " " + strconv.FormatInt(n, 10)})
		}
	}
	return out
}

// said is when the last day was said first.
func said(s stage.Standing) core.Moment {
	for _, step := range s.Steps {
		if step.LastDay == s.LastDay {
			return step.At
		}
	}
	return s.Begun().At
}
