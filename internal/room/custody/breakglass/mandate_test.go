package breakglass

import (
	"html"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/mandate"
)

// TestMandate: an ask names a decision of a collective. Who decides at a holder reads how that
// decision stands, on the page, before the release and on the command line; nothing else changes.
func TestMandate(t *testing.T) {
	cat, err := words.New(mandate.Words)
	if err != nil {
		t.Fatal(err)
	}
	id := strings.Repeat("5a", 32)
	for _, standing := range []mandate.Standing{mandate.Passed, mandate.Open, mandate.NotPassed, mandate.Unreviewed, mandate.Elsewhere, mandate.Unbound, mandate.Unknown} {
		w := newWorld(t, nil)
		if standing != mandate.Unknown {
			w.decided = map[string]string{id: string(standing)}
		}
		s, err := w.node("c").Open(t.Context(), Wish{Scope: "root", Of: hosterA, Reason: "incident", Decision: id})
		w.must(err)
		w.work()
		v, err := w.node("b").View(t.Context(), s.ID)
		w.must(err)
		if v.Mandate == nil || v.Mandate.Standing != standing || v.Mandate.ID != id || v.Mandate.Holds() != (standing == mandate.Passed) {
			t.Fatalf("%s: %+v", standing, v.Mandate)
		}
		if got := w.state("b", s.ID); got != "waiting" {
			t.Errorf("%s: %s", standing, got)
		}
		for _, lang := range []string{"fr", "en"} {
			sentence, class := v.Mandate.Say(cat.Printer(lang)), `class="note warn"`
			if standing == mandate.Passed {
				class = `class="note none"`
			}
			if strings.Contains(sentence, "⟦") {
				t.Errorf("%s: %s", standing, sentence)
			}
			b := w.office("b", lang)
			for _, path := range []string{"/" + s.ID, "/" + s.ID + "/release"} {
				b.sees(Path+path, `<p `+class+`>`+html.EscapeString(sentence)+`</p>`)
			}
		}
	}
}

// TestNoMandate: an ask that names no decision says nothing of one, and one that names what is
// no id is none.
func TestNoMandate(t *testing.T) {
	w := newWorld(t, nil)
	s := w.opens()
	v, err := w.node("b").View(t.Context(), s.ID)
	if err != nil || v.Mandate != nil {
		t.Errorf("%+v, %v", v.Mandate, err)
	}
	if _, err := w.node("c").Open(t.Context(), Wish{Scope: "root", Of: hosterA, Reason: "incident", Decision: "5a5a"}); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("%v", err)
	}
}
