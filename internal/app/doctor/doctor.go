// Package doctor runs the questions that the house and its rooms ask about a node, and says
// what is well, what is not and what to do about it.
package doctor

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/words"
)

// Finding is one answer of doctor.
type Finding struct {
	ID     string    `json:"id"`    // the check's name, the same in every language
	Check  string    `json:"check"` // and in words
	State  State     `json:"state"`
	Code   core.Code `json:"code,omitempty"` // of what is not well
	Says   string    `json:"says,omitempty"`
	Unused bool      `json:"unused,omitempty"` // it is part of something that this hoster has not begun to use
}

// State is the answer to a check: one of three, never two.
type State string

// The answers. Unused is what people read of checks that wait for something to begin.
const (
	Well    State = "well"
	NotWell State = "not_well"
	Unknown State = "unknown" // not yet, or cannot be known now
	Unused  State = "unused"
)

// Judge sorts what a check answered, and says it in words.
func Judge(p *words.Printer, f fit.Finding, err error) (State, string) {
	says := ""
	if f.Key != "" {
		says = p.T(f.Key, f.Args)
	}
	switch {
	case err != nil:
		return NotWell, p.Error(err)
	case f.Unknown:
		return Unknown, says
	}
	return Well, says
}

// Answer is what one check answered.
type Answer struct {
	Check   fit.Check
	Finding fit.Finding
	Err     error
	Unused  bool // it is part of a use that has not begun
}

// Ask runs every check.
func Ask(ctx context.Context, checks []fit.Check) []Answer {
	all, begun := make([]Answer, 0, len(checks)), map[string]bool{}
	for _, c := range checks {
		a := Answer{Check: c}
		a.Finding, a.Err = c.Run(ctx)
		if c.Use != nil {
			is, known := begun[c.Use.Name]
			if !known {
				var err error
				is, err = c.Use.Begun(ctx)
				is = is || err != nil // what cannot be known hides nothing
				begun[c.Use.Name] = is
			}
			a.Unused = !is
		}
		all = append(all, a)
	}
	return all
}

// Line is what a person reads.
type Line struct {
	ID, Name string // the name of the check, or of the use; and in words
	State    State
	Says     string
}

// Lines are the answers as a person reads them: one line says what a use is for that has not
// begun, where its first check that is not in trouble would stand.
func Lines(p *words.Printer, all []Answer) []Line {
	lines, said := make([]Line, 0, len(all)), map[string]bool{}
	for _, a := range all {
		state, says := Judge(p, a.Finding, a.Err)
		switch use := a.Check.Use; {
		case state == NotWell || !a.Unused:
			lines = append(lines, Line{a.Check.Name, p.T(a.Check.Name, nil), state, says})
		case !said[use.Name]:
			said[use.Name] = true
			lines = append(lines, Line{use.Name, p.T(use.Name, nil), Unused, p.T(use.For, nil)})
		}
	}
	return lines
}

// Report runs every check; the exit status is that of the first trouble. What is not
// known is no trouble.
func Report(ctx context.Context, out *console.Out, checks []fit.Check) error {
	answers := Ask(ctx, checks)
	found := make([]Finding, 0, len(answers))
	var first error
	bad := 0
	for _, a := range answers {
		f := Finding{ID: a.Check.Name, Check: out.P.T(a.Check.Name, nil), Code: core.CodeOf(a.Err), Unused: a.Unused}
		f.State, f.Says = Judge(out.P, a.Finding, a.Err)
		found = append(found, f)
		if f.State == NotWell {
			bad++
			first = cmp.Or(first, a.Err)
		}
	}
	err := out.Emit(found, func() { say(out, Lines(out.P, answers), bad) })
	if err != nil || bad == 0 {
		return err
	}
	return (&core.Error{Code: core.CodeOf(first), Key: "app.doctor_troubles", Err: fmt.Errorf("%d checks failed", bad)}).With("Count", bad)
}

// say prints the lines: what needs doing first.
func say(out *console.Out, lines []Line, bad int) {
	rows, open := make([][]string, 0, len(lines)), 0
	for _, s := range []State{NotWell, Unknown, Unused, Well} {
		for _, l := range lines {
			if l.State != s {
				continue
			}
			rows = append(rows, []string{l.Name, strings.TrimSpace(out.P.T("app.doctor_"+string(s), nil) + " " + l.Says)})
			if s == Unknown || s == Unused {
				open++
			}
		}
	}
	out.Table([]string{"app.doctor_head_check", "app.doctor_head_result"}, rows)
	switch {
	case bad > 0:
	case open > 0:
		out.Say("app.doctor_nothing_wrong", map[string]any{"Count": open})
	default:
		out.Say("app.doctor_fine", nil)
	}
}
