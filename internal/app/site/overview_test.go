package site

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/app/doctor"
	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

// english says the house's own sentences and the vault's.
func english(t *testing.T) *words.Printer {
	t.Helper()
	c, err := words.New(os.DirFS(".."), os.DirFS("../../room/vault"))
	if err != nil {
		t.Fatal(err)
	}
	return c.Printer(words.English)
}

// TestNextStep: what to do next is a trouble that is no step's, then the first step that
// is not done, then nothing; a trouble that a step covers is not told twice.
func TestNextStep(t *testing.T) {
	p := english(t)
	words24 := fit.Step{Order: 10, Key: "vault.step_words", Why: "vault.step_words_why", Path: "/admin/vault", Check: "vault.check_kit"}
	done := words24
	done.Done = true
	bad := func(name string) doctor.Answer {
		return doctor.Answer{Check: fit.Check{Name: name}, Err: core.Unsure("app.no_page", nil)}
	}
	for name, c := range map[string]struct {
		found     []doctor.Answer
		steps     []fit.Step
		next      string // words key
		severity  web.Severity
		alsoShown int
	}{
		"all well":            {nil, []fit.Step{done}, "", web.Fine, 0},
		"a step":              {nil, []fit.Step{done, words24}, "vault.step_words", web.None, 0},
		"a step's trouble":    {[]doctor.Answer{bad("vault.check_kit")}, []fit.Step{words24}, "vault.step_words", web.None, 0},
		"another's first":     {[]doctor.Answer{bad("vault.check_kit"), bad("app.check_disk")}, []fit.Step{words24}, "app.check_disk", web.Warn, 0},
		"a done step's too":   {[]doctor.Answer{bad("vault.check_kit")}, []fit.Step{done}, "vault.check_kit", web.Warn, 0},
		"two troubles":        {[]doctor.Answer{bad("app.check_key"), bad("app.check_disk")}, nil, "app.check_key", web.Warn, 1},
		"nothing can be told": {[]doctor.Answer{{Check: fit.Check{Name: "app.check_key"}, Finding: fit.Unknown("app.promises_none", nil)}}, nil, "", web.None, 0},
	} {
		t.Run(name, func(t *testing.T) {
			page := overview(p, dated[[]doctor.Answer]{value: c.found}, c.steps)
			next := ""
			if page.Next != nil {
				next = page.Next.Name
			}
			want := ""
			if c.next != "" {
				want = p.T(c.next, nil)
			}
			if next != want || page.Severity != c.severity || len(page.Troubles) != c.alsoShown {
				t.Errorf("next is %q, not %q; %s; %d more", next, want, page.Severity, len(page.Troubles))
			}
		})
	}
}

// TestSpace: what is promised beyond the disk is shown as that, and nothing is drawn
// while nobody promised anything.
func TestSpace(t *testing.T) {
	p := english(t)
	if got := (surroundings{free: core.GB, total: 2 * core.GB}).space(p); got != "" {
		t.Errorf("nothing is promised: %s", got)
	}
	s := surroundings{free: 10 * core.GB, total: 100 * core.GB}
	s.Given, s.Granted = 30e9, 20e9
	s.ForThem = map[core.MemberID]int64{"chaton-b.test": 5e9}
	got := string(s.space(p))
	for _, part := range []string{"85 GB of other things", "5 GB of partners", "10 GB promised", "15 GB promised beyond"} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in %s", part, got)
		}
	}
	if strings.Contains(got, "GB free") {
		t.Errorf("nothing is free: %s", got)
	}
}

// TestWhatFailsIsATrouble: a room that cannot say its steps leaves the others' there, and
// what cannot be learned of partners or of the disk is no picture and one trouble more.
func TestWhatFailsIsATrouble(t *testing.T) {
	away := errors.New("the database is away")
	s := &Site{n: Needs{
		Fittings: []fit.Fittings{
			{Steps: func(context.Context) ([]fit.Step, error) { return nil, away }},
			{Steps: func(context.Context) ([]fit.Step, error) { return []fit.Step{{Key: "vault.step_words"}}, nil }},
		},
		Around: func(context.Context) (Around, error) { return Around{Partners: []Partner{{ID: "half.test"}}}, away },
		Store:  filepath.Join(t.TempDir(), "nothing", "here"),
		Log:    slog.New(slog.DiscardHandler),
	}}
	steps, failed := s.steps(t.Context())
	if len(steps) != 1 || len(failed) != 1 || !errors.Is(failed[0].Err, away) {
		t.Errorf("%v, %v", steps, failed)
	}
	seen, err := s.surroundings(t.Context())
	if err != nil || len(seen.failed) != 2 || !errors.Is(seen.failed[0].Err, away) {
		t.Errorf("%+v, %v", seen, err)
	}
	p := english(t)
	if ring, space := seen.ring(p, "chaton-a.test"), seen.space(p); ring != "" || space != "" {
		t.Errorf("drawn of nothing: %s %s", ring, space)
	}
	page := overview(p, dated[[]doctor.Answer]{value: append(failed, seen.failed...)}, steps)
	if page.Severity != web.Warn || page.Next == nil || len(page.Problems) != 3 {
		t.Errorf("%+v", page)
	}
}

// TestRingTellsTheSuspended: who is suspended is not among those who answer, and is told apart
// from the silent.
func TestRingTellsTheSuspended(t *testing.T) {
	p := english(t)
	for name, c := range map[string]struct {
		around    []web.Severity
		says, not []string
	}{
		"all well":  {[]web.Severity{web.Fine, web.Fine}, []string{"All of them answer"}, []string{"silent", "suspended"}},
		"suspended": {[]web.Severity{web.Fine, web.Trouble}, []string{"One is suspended"}, []string{"All of them answer", "silent"}},
		"both":      {[]web.Severity{web.None, web.Trouble, web.None}, []string{"One is suspended", "2 are silent"}, []string{"All of them answer"}},
	} {
		var s surroundings
		for i, severity := range c.around {
			s.Partners = append(s.Partners, Partner{core.MemberID(fmt.Sprintf("chaton-%d.test", i)), severity})
		}
		got := string(s.ring(p, "a.test"))
		for _, part := range c.says {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %q in %s", name, part, got)
			}
		}
		for _, part := range c.not {
			if strings.Contains(got, part) {
				t.Errorf("%s: %q in %s", name, part, got)
			}
		}
	}
}
