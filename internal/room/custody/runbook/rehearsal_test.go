package runbook

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
)

const day = 24 * time.Hour

func TestJudge(t *testing.T) {
	now := core.At(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC))
	at := func(ago time.Duration, o Outcome, commit string) *Rehearsal {
		return &Rehearsal{Outcome: o, Commit: commit, Started: now.Add(-ago - time.Hour), Ended: now.Add(-ago)}
	}
	for name, c := range map[string]struct {
		last *Rehearsal
		want State
	}{
		"nobody":             {nil, Never},
		"yesterday":          {at(day, Reached, "a"), Rehearsed},
		"to the day":         {at(keeps, Reached, "a"), Rehearsed},
		"a day too long ago": {at(keeps+day, Reached, "a"), Old},
		"another text":       {at(day, Reached, "b"), Changed},
		"old and changed":    {at(keeps+day, Reached, "b"), Old},
		"missed":             {at(day, Missed, "a"), Failed},
		"missed long ago":    {at(keeps+day, Missed, "b"), Failed},
		"dropped":            {at(day, Dropped, "a"), Never},
		"it runs":            {&Rehearsal{Outcome: Open, Commit: "a", Started: now}, Never},
		"in the future":      {at(-day, Reached, "a"), Rehearsed},
	} {
		if got := Judge("a", c.last, now); got != c.want {
			t.Errorf("%s: %s, not %s", name, got, c.want)
		}
	}
}

// A rehearsal proves a text only when every step was read, none had a defect, and the end
// was reached.
func TestOnlyTheWholeTextProves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.IntRange(0, 6).Draw(t, "steps")
		read := rapid.IntRange(0, steps).Draw(t, "read")
		reached := rapid.Bool().Draw(t, "reached")
		h, clean := Rehearsal{Outcome: Open, Started: 5, Text: "x"}, true
		for range read {
			d := rapid.SampledFrom([]string{"", "", "no such command"}).Draw(t, "defect")
			h.Done, clean = append(h.Done, Done{Defect: d}), clean && d == ""
		}
		got, err := h.end(Text{Steps: make([]Step, steps)}, reached, core.Moment(rapid.Int64Range(0, 10).Draw(t, "now")))
		switch {
		case read < steps:
			if core.CodeOf(err) != core.CodeConflict || got.Outcome != Open {
				t.Fatal(got, err)
			}
		case err != nil || (got.Outcome == Reached) != (clean && reached) || got.Outcome == Open || got.Text != "" || got.Took() < 0:
			t.Fatal(got, err)
		}
	})
}

func TestAuthorsAreFoundByMailOrName(t *testing.T) {
	r := Runbook{Authors: []Author{{"Ana  Lune", "ana@chaton-a.test"}, {"", ""}}}
	for name, c := range map[string]struct {
		who  Person
		want bool
	}{
		"by mail":       {Person{Name: "A.", Mail: "Ana@Chaton-A.test"}, true},
		"by name":       {Person{Name: "ana lune"}, true},
		"somebody else": {Person{Name: "Bob", Mail: "bob@chaton-a.test"}, false},
		"empty":         {Person{}, false},
	} {
		if r.Wrote(c.who) != c.want {
			t.Error(name)
		}
	}
}

func TestDrillIsBounded(t *testing.T) {
	for _, minutes := range []int64{-1, 0, maxMinutes + 1} {
		if _, err := NewDrill(minutes, nil, 1); core.CodeOf(err) != core.CodeInvalid {
			t.Error(minutes, err)
		}
	}
	if _, err := NewDrill(1, make([]string, 500), 1); err != nil {
		t.Error("empty lines count:", err)
	}
	many := make([]string, maxDefects+1)
	for i := range many {
		many[i] = "x"
	}
	if _, err := NewDrill(1, many, 1); core.CodeOf(err) != core.CodeInvalid {
		t.Error(err)
	}
	d, err := NewDrill(90, []string{" a\x1b[31m\r\n b ", ""}, 1)
	if err != nil || len(d.Defects) != 1 || d.Defects[0] != "a[31m b" || d.Took != 90*time.Minute {
		t.Error(d, err)
	}
}
