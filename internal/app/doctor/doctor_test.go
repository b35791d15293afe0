package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/words"
)

func printer(t *testing.T) *words.Printer {
	t.Helper()
	c, err := words.New(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	return c.Printer(words.English)
}

// TestUnusedIsOneLine: of what a hoster does not use people read one line, what is wrong there all
// the same; programs get every check.
func TestUnusedIsOneLine(t *testing.T) {
	p := printer(t)
	begun, asked := false, 0
	var broken error
	use := &fit.Use{Name: "app.use_company", For: "app.use_company_for", Begun: func(context.Context) (bool, error) { asked++; return begun, broken }}
	answers := func(f fit.Finding, err error) func(context.Context) (fit.Finding, error) {
		return func(context.Context) (fit.Finding, error) { return f, err }
	}
	checks := append(use.Checks(
		fit.Check{Name: "app.check_key", Run: answers(fit.Unknown("app.no_member", nil), nil)},
		fit.Check{Name: "app.check_mirrors", Run: answers(fit.Finding{}, nil)},
		fit.Check{Name: "app.check_neighbours", Run: answers(fit.Finding{}, core.Unsure("app.no_page", errors.New("bad")))}),
		fit.Check{Name: "app.check_disk", Run: answers(fit.Finding{}, nil)})
	states := func() (all []State) {
		for _, l := range Lines(p, Ask(t.Context(), checks)) {
			all = append(all, l.State)
		}
		return all
	}
	same := func(when string, want ...State) {
		t.Helper()
		if got := states(); len(got) != len(want) {
			t.Errorf("%s: %q", when, got)
		} else {
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("%s: %q, not %q", when, got, want)
				}
			}
		}
	}
	same("before it began", Unused, NotWell, Well)
	if asked != 1 {
		t.Errorf("asked %d times whether it began", asked)
	}
	line := Lines(p, Ask(t.Context(), checks))[0]
	if line.Name != p.T("app.use_company", nil) || !strings.Contains(line.Says, "entrechat invite") {
		t.Errorf("%+v", line)
	}
	broken = errors.New("the database is away")
	same("while nobody knows", Unknown, Well, NotWell, Well)
	broken, begun = nil, true
	same("once it began", Unknown, Well, NotWell, Well)

	begun = false
	var text, all bytes.Buffer
	if err := Report(t.Context(), &console.Out{W: &text, Err: &text, P: p}, checks); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("%v", err)
	}
	if got := text.String(); !strings.Contains(got, "not used yet.") || strings.Contains(got, p.T("app.check_mirrors", nil)) {
		t.Errorf("%s", got)
	}
	_ = Report(t.Context(), &console.Out{W: &all, Err: &all, P: p, JSON: true}, checks)
	var found []Finding
	if err := json.Unmarshal(all.Bytes(), &found); err != nil || len(found) != len(checks) || !found[0].Unused || found[0].State != Unknown || found[3].Unused {
		t.Errorf("%v: %+v", err, found)
	}
}
