// Package doctor runs the questions that the house and its rooms ask about a node, and says
// what is well, what is not and what to do about it.
package doctor

import (
	"context"
	"fmt"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/words"
)

// Finding is one line of doctor.
type Finding struct {
	ID    string    `json:"id"`    // the check's name, the same in every language
	Check string    `json:"check"` // and in words
	State State     `json:"state"`
	Code  core.Code `json:"code,omitempty"` // of what is not well
	Says  string    `json:"says,omitempty"`
}

// State is the answer to a check: one of three, never two.
type State string

// The answers.
const (
	Well    State = "well"
	NotWell State = "not_well"
	Unknown State = "unknown" // not yet, or cannot be known now
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

// Report runs every check; the exit status is that of the first trouble. What is not
// known is no trouble.
func Report(ctx context.Context, out *console.Out, checks []fit.Check) error {
	found := make([]Finding, 0, len(checks))
	var first error
	count := map[State]int{}
	for _, c := range checks {
		answer, err := c.Run(ctx)
		f := Finding{ID: c.Name, Check: out.P.T(c.Name, nil), Code: core.CodeOf(err)}
		f.State, f.Says = Judge(out.P, answer, err)
		count[f.State]++
		found = append(found, f)
		if f.State == NotWell && first == nil {
			first = err
		}
	}
	bad := count[NotWell]
	err := out.Emit(found, func() {
		out.Table([]string{"app.doctor_head_check", "app.doctor_head_result"}, rows(out.P, found))
		switch {
		case bad > 0:
		case count[Unknown] > 0:
			out.Say("app.doctor_nothing_wrong", map[string]any{"Count": count[Unknown]})
		default:
			out.Say("app.doctor_fine", nil)
		}
	})
	if err != nil || bad == 0 {
		return err
	}
	return (&core.Error{Code: core.CodeOf(first), Key: "app.doctor_troubles", Err: fmt.Errorf("%d checks failed", bad)}).With("Count", bad)
}

// rows are the findings as a person reads them: what needs doing first.
func rows(p *words.Printer, found []Finding) [][]string {
	all := make([][]string, 0, len(found))
	for _, s := range []State{NotWell, Unknown, Well} {
		for _, f := range found {
			if f.State == s {
				all = append(all, []string{f.Check, strings.TrimSpace(p.T("app.doctor_"+string(s), nil) + " " + f.Says)})
			}
		}
	}
	return all
}
