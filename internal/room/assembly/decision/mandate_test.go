package decision

import (
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/tally"
)

// What somebody who would act on a decision is told: before the count, after it, long after the
// review day, of a hoster that was not asked, and where its author took the text back.
func TestMandate(t *testing.T) {
	w := newWorld(t, 3, nil)
	a, b := w.nodes[0], w.nodes[1]
	is := func(id string, hoster core.MemberID, want, name string) {
		t.Helper()
		if title, standing, err := b.Mandate(t.Context(), id, hoster); err != nil || standing != want || title != name {
			t.Errorf("%q is %q, want %q, %v", title, standing, want, err)
		}
	}
	id := w.propose(a, w.draft("One backup more"))
	is(id, a.id, "open", "One backup more")
	is(id, "chaton-z.test", "elsewhere", "One backup more")
	w.toBallots()
	for _, n := range w.nodes {
		w.vote(n, id, agree)
	}
	is(id, a.id, "open", "One backup more")
	w.toCount()
	w.alike(id, tally.Passed)
	is(id, a.id, "passed", "One backup more")
	is(id, "chaton-z.test", "elsewhere", "One backup more")
	refused := w.propose(a, w.draft("Two backups more"))
	w.toBallots()
	for _, n := range w.nodes {
		w.vote(n, refused, tally.Choice{Stance: tally.Aside})
	}
	w.toCount()
	is(refused, a.id, "not_passed", "Two backups more")
	review, err := time.Parse(time.DateOnly, w.view(b, id).Review)
	w.must(err)
	w.at = review.Add(60*day - time.Hour)
	is(id, a.id, "passed", "One backup more")
	w.at = review.Add(60*day + time.Hour)
	is(id, a.id, "not_reviewed", "One backup more")
	w.must(b.Review(t.Context(), id, Keep))
	w.must(a.Review(t.Context(), id, Keep))
	w.run()
	is(id, a.id, "passed", "One backup more")
	w.must(a.Withdraw(t.Context(), id))
	w.run()
	is(id, a.id, "passed", "")
	if _, _, err := b.Mandate(t.Context(), strings.Repeat("5a", 32), a.id); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("%v", err)
	}
}
