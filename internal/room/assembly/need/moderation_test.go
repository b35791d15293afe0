package need

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"entrechat/internal/core"
)

// What a moderator took out of a text stays out, whatever is published again.
func TestPublishingAgainKeepsTheWords(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		n, _ := w.tell("A calendar of Ana Planted", "")
		_, err := w.Publish(ctx, n.ID, "A calendar", "No form.")
		w.ok(err)
		for _, c := range []struct{ goal, obstacle, wantGoal, wantObstacle string }{
			{"", "", "A calendar", "No form."},
			{"", "No form there.", "A calendar", "No form there."},
			{"An agenda", "", "An agenda", ""},
		} {
			n, err := w.Publish(ctx, n.ID, c.goal, c.obstacle)
			if err != nil || n.ShownGoal != c.wantGoal || n.ShownObstacle != c.wantObstacle {
				t.Errorf("published %q, %q: %q, %q, %v", c.goal, c.obstacle, n.ShownGoal, n.ShownObstacle, err)
			}
		}
		_, err = w.Refuse(ctx, n.ID, "Taken down for a while.")
		w.ok(err)
		if n, err := w.Publish(ctx, n.ID, "", ""); err != nil || n.ShownGoal != "An agenda" {
			t.Errorf("after it was taken down: %q, %v", n.ShownGoal, err)
		}
	})
}

// The name of a service is shown beside what a person read: it is one of ours, or none.
func TestAServiceIsOneOfOurs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for typed, want := range map[string]string{"Agenda": "Agenda", "": "", "Ana Planted, 5 rue Verte, pays nobody": ""} {
			token, err := w.Tell(t.Context(), Told{Service: typed, Goal: "A calendar", Lang: "en", Signed: true})
			w.ok(err)
			if n, err := w.ByToken(t.Context(), token); err != nil || n.Service != want {
				t.Errorf("%q is kept as %q, %v", typed, n.Service, err)
			}
		}
	})
}

// An answer says nothing but what its state has: what else was typed is not mailed either.
func TestAnAnswerHasNoLinkButOfWhatIsDone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		n := w.published("A calendar")
		n, err := w.Answer(t.Context(), n.ID, Answer{State: Heard, Month: "soon", Link: "javascript:alert(1)", Member: "<b>"})
		w.ok(err)
		if a := n.Answers[0]; a.Month != "" || a.Link != "" || a.Member != "" {
			t.Errorf("kept: %+v", a)
		}
	})
}

// Who was put together with what is taken down stands alone again, and is not lost.
func TestWhatIsTakenDownSetsFree(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		one, two := w.published("A calendar"), w.published("An agenda")
		_, err := w.Merge(ctx, two.ID, one.ID)
		w.ok(err)
		_, err = w.Refuse(ctx, one.ID, "This names a person.")
		w.ok(err)
		list, err := w.List(ctx, Published, 10, 0)
		if err != nil || len(list) != 1 || list[0].ID != two.ID {
			t.Errorf("what was put together is hidden: %+v, %v", list, err)
		}
		three := w.published("A diary")
		_, err = w.Merge(ctx, three.ID, two.ID)
		w.ok(err)
		_, err = w.Refuse(ctx, three.ID, "This names a person.")
		w.ok(err)
		if list, err := w.List(ctx, Refused, 10, 0); err != nil || len(list) != 2 {
			t.Errorf("refused, and in no list: %+v, %v", list, err)
		}
	})
}

// A typing error costs nothing of what a network has for a day.
func TestATypingErrorCostsNothing(t *testing.T) {
	w := newVisitor(t).world
	told := Told{Goal: "A calendar", Lang: "en", Network: "203.0.113.0/24", Address: "ana@"}
	for range perNetwork + 1 {
		if _, err := w.Tell(t.Context(), told); core.CodeOf(err) != core.CodeInvalid {
			t.Fatalf("no address: %v", err)
		}
	}
	told.Address = planted
	if _, err := w.Tell(t.Context(), told); err != nil {
		t.Errorf("typed right in the end: %v", err)
	}
	for range MaxWaiting {
		_, _ = w.Tell(t.Context(), Told{Goal: "Buy pills", Lang: "en", Signed: true}) // the queue is full at some time
	}
	told.Network = "198.51.100.0/24"
	for range perNetwork {
		if _, err := w.Tell(t.Context(), told); core.CodeOf(err) != core.CodeFull {
			t.Fatalf("a full queue: %v", err)
		}
	}
	list, err := w.List(t.Context(), Waiting, 1, 0)
	w.ok(err)
	w.ok(w.Withdraw(t.Context(), list[0].ID))
	if _, err := w.Tell(t.Context(), told); err != nil {
		t.Errorf("there is room again: %v", err)
	}
}

// A link to confirm is good for the address it was mailed to: what large providers hold for
// the same mailbox may be another person elsewhere.
func TestALinkConfirmsItsOwnAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		n, token := w.tell("A calendar", "ana.planted+x@elsewhere.test")
		w.deliver()
		claim, sig := mailed(w.sent[0])
		w.ok(w.ForgetAddress(ctx, n.ID))
		w.ok(w.GiveAddress(ctx, n.ID, token, "anaplanted@elsewhere.test", ""))
		if err := w.Confirm(ctx, claim, sig); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("another's address is confirmed: %v", err)
		}
	})
}

// What waits to be sent goes with the address that its owner wants to be forgotten; what
// waits for others stays.
func TestAForgottenAddressGetsNoMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		n, _ := w.tell("A calendar", planted)
		w.deliver()
		claim, sig := mailed(w.sent[0])
		w.ok(w.Confirm(ctx, claim, sig))
		_, err := w.Publish(ctx, n.ID, "", "")
		w.ok(err)
		w.ok(w.AskAlso(ctx, n.ID, "bob@elsewhere.test", "en", ""))
		w.ok(w.ForgetAddress(ctx, n.ID))
		if got := w.deliver(); strings.Contains(got, planted) || !strings.Contains(got, "bob@") {
			t.Errorf("mailed: %q", got)
		}
	})
}

// No address is kept where nothing can be mailed to it.
func TestNoAddressWithoutAMailServer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.off = true
		n, token := w.tell("A calendar", planted)
		if n.HasAddress {
			t.Error("kept, and never asked")
		}
		if err := w.GiveAddress(t.Context(), n.ID, token, planted, ""); core.CodeOf(err) != core.CodeUnsure {
			t.Errorf("typed later: %v", err)
		}
	})
}

// A link to say "me too" shows nothing of what was taken down since.
func TestAVoiceLinkShowsNothingTakenDown(t *testing.T) {
	v := newVisitor(t)
	n := v.published("A calendar of Ana Planted")
	v.do(http.MethodPost, Path+"/also/"+n.ID, http.StatusSeeOther, url.Values{"address": {planted}})
	v.deliver()
	claim, sig := mailed(v.sent[0])
	v.do(http.MethodGet, pathConfirm+claim+"/"+sig, http.StatusOK, nil)
	_, err := v.Refuse(t.Context(), n.ID, "This names a person.")
	v.ok(err)
	v.do(http.MethodGet, pathConfirm+claim+"/"+sig, http.StatusNotFound, nil)
}
