package need

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/migrations"
)

const planted = "ana.planted@elsewhere.test"

// world is a hoster with people who write to it.
type world struct {
	*Service
	t    *testing.T
	at   time.Time
	off  bool // there is no mail server
	fail error
	sent []letter
}

func (w *world) CanMail() bool { return !w.off }

func (w *world) Mail(_ context.Context, to, title, text string) error {
	if w.fail != nil {
		return w.fail
	}
	w.sent = append(w.sent, letter{to, title, text})
	return nil
}

func catalogue(t testing.TB) *words.Catalogue {
	t.Helper()
	c, err := words.New(Words, words.Words, web.Words)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, at: time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC)}
	w.Service = New(Needs{
		DB: d, Self: "chaton-a.test", Box: seal.NewBox([32]byte{1}), URL: "https://chaton-a.test", Mailer: func() (Mailer, bool) { return w, true },
		Services: func(context.Context) ([]string, error) { return []string{"Agenda", "Pad"}, nil },
		Words:    catalogue(t), Now: func() time.Time { return w.at }, Log: slog.New(slog.DiscardHandler),
	})
	return w
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, "assembly", migrations.Files, func(t *testing.T, d *db.DB) { fn(t, newWorld(t, d)) })
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// tell takes in a need, and answers it with its token.
func (w *world) tell(goal, address string) (Need, string) {
	w.t.Helper()
	token, err := w.Tell(w.t.Context(), Told{Goal: goal, Obstacle: "There is no form for it.", Address: address, Lang: "en", Signed: true})
	w.ok(err)
	n, err := w.ByToken(w.t.Context(), token)
	w.ok(err)
	return n, token
}

func (w *world) published(goal string) Need {
	w.t.Helper()
	n, _ := w.tell(goal, "")
	n, err := w.Publish(w.t.Context(), n.ID, "", "")
	w.ok(err)
	return n
}

// deliver sends what is due and answers the titles.
func (w *world) deliver() string {
	w.t.Helper()
	w.sent = nil
	w.ok(w.SendDue(w.t.Context()))
	titles := make([]string, 0, len(w.sent))
	for _, l := range w.sent {
		titles = append(titles, l.Address+": "+l.Title)
	}
	return strings.Join(titles, "|")
}

// mailed is the claim and signature of the link in a mail.
func mailed(l letter) (claim, sig string) {
	_, rest, _ := strings.Cut(l.Text, pathConfirm)
	rest, _, _ = strings.Cut(rest, "\n")
	claim, sig, _ = strings.Cut(rest, "/")
	return claim, sig
}

// Scenario 1: without account or mail; the private link shows all that happens.
func TestANeedFromItsAuthorToItsAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		n, token := w.tell("I want to share a calendar", "")
		if n.Standing != Waiting || n.HasAddress {
			t.Errorf("just told: %+v", n)
		}
		if list, err := w.List(ctx, Published, 10, 0); err != nil || len(list) != 0 {
			t.Errorf("shown before anybody read it: %v, %v", list, err)
		}
		if _, err := w.Answer(ctx, n.ID, Answer{State: Heard}); core.CodeOf(err) != core.CodeConflict {
			t.Errorf("answered before it is published: %v", err)
		}
		w.at = w.at.Add(2 * day)
		_, err := w.Publish(ctx, n.ID, "Share a calendar", "No form.")
		w.ok(err)
		w.at = w.at.Add(3 * day)
		_, err = w.Answer(ctx, n.ID, Answer{State: Planned, Month: "2027-02", Text: "With the new server."})
		w.ok(err)
		n, err = w.ByToken(ctx, token)
		w.ok(err)
		if n.ShownGoal != "Share a calendar" || n.Goal != "I want to share a calendar" || n.State != Planned || len(n.Answers) != 1 || n.Answers[0].Month != "2027-02" {
			t.Errorf("what its author reads: %+v", n)
		}
		stats, err := w.Stats(ctx)
		if err != nil || stats.MedianDays != 5 || stats.Published != 1 || stats.Answered != 1 {
			t.Errorf("counted: %+v, %v", stats, err)
		}
		w.ok(w.Withdraw(ctx, n.ID))
		if _, err := w.ByToken(ctx, token); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("withdrawn: %v", err)
		}
	})
}

func TestARefusalNeedsAReason(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		n, token := w.tell("Buy my pills", "")
		if _, err := w.Refuse(ctx, n.ID, "no"); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("refused without a reason: %v", err)
		}
		_, err := w.Refuse(ctx, n.ID, "This is an advertisement.")
		w.ok(err)
		n, err = w.ByToken(ctx, token)
		if err != nil || n.Standing != Refused || n.Reason != "This is an advertisement." {
			t.Errorf("%+v, %v", n, err)
		}
		w.at = w.at.Add(addressKept + time.Hour)
		w.ok(w.Forget(ctx))
		n, err = w.ByToken(ctx, token)
		if err != nil || n.Goal != "" || n.Reason != "" {
			t.Errorf("kept for ever: %+v, %v", n, err)
		}
	})
}

func TestAnswersSayWhatTheirStateNeeds(t *testing.T) {
	now := time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		a    Answer
		want string
	}{
		{Answer{State: Heard}, ""},
		{Answer{State: Collective}, ""},
		{Answer{State: Planned, Month: "2026-11"}, ""},
		{Answer{State: Planned, Month: "2026-10"}, "assembly.need.bad_month"},
		{Answer{State: Planned, Month: "2031-01"}, "assembly.need.bad_month"},
		{Answer{State: Planned, Month: "soon"}, "assembly.need.bad_month"},
		{Answer{State: Done, Link: "https://chaton-a.test/agenda"}, ""},
		{Answer{State: Done, Link: "javascript:alert(1)"}, "assembly.need.bad_done"},
		{Answer{State: Done, Link: "https://ana:secret@chaton-a.test/"}, "assembly.need.bad_done"},
		{Answer{State: NotUs, Text: "We are three people."}, ""},
		{Answer{State: NotUs, Text: "No."}, "assembly.need.bad_reason"},
		{Answer{State: Elsewhere, Member: "chaton-b.test"}, ""},
		{Answer{State: Elsewhere, Member: "not a domain"}, "assembly.need.bad_member"},
		{Answer{State: "maybe"}, "assembly.need.bad_state"},
		{Answer{State: Heard, Text: strings.Repeat("a", maxReply+1)}, "assembly.need.bad_long"},
	} {
		err := c.a.Check(now)
		key := ""
		if e, ok := errors.AsType[*core.Error](err); ok {
			key = e.Key
		}
		if key != c.want {
			t.Errorf("%+v: %q, want %q", c.a, key, c.want)
		}
	}
}

// Scenario 3: 10,000 posts from 50 networks leave room for a person.
func TestARobotDoesNotFillTheQueue(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "assembly", migrations.Files))
	ctx, taken := t.Context(), 0
	for i := range 10_000 {
		_, err := w.Tell(ctx, Told{Goal: "Buy pills", Lang: "en", Network: fmt.Sprintf("198.51.%d.0/24", i%50)})
		if err == nil {
			taken++
		} else if core.CodeOf(err) != core.CodeFull {
			t.Fatal(err)
		}
	}
	if taken != 50*perNetwork || taken >= MaxWaiting {
		t.Errorf("took %d", taken)
	}
	if _, err := w.Tell(ctx, Told{Goal: "Share a calendar", Lang: "en", Network: "203.0.113.0/24"}); err != nil {
		t.Errorf("a person from elsewhere: %v", err)
	}
	for range MaxWaiting {
		_, _ = w.Tell(ctx, Told{Goal: "Buy pills", Lang: "en", Signed: true}) // the queue is full at some time
	}
	if _, err := w.Tell(ctx, Told{Goal: "One more", Signed: true}); core.CodeOf(err) != core.CodeFull {
		t.Errorf("the queue has no end: %v", err)
	}
	if n, err := countWaiting(ctx, w.n.DB); err != nil || n != MaxWaiting {
		t.Errorf("%d wait, %v", n, err)
	}
}

// What was merged is answered with what it was merged into: it is no need without an answer.
func TestTheCountsKnowAMerge(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		one, two := w.published("A calendar"), w.published("An agenda")
		_, err := w.Answer(ctx, one.ID, Answer{State: Heard})
		w.ok(err)
		_, err = w.Merge(ctx, two.ID, one.ID)
		w.ok(err)
		if stats, err := w.Stats(ctx); err != nil || stats.Published != 1 || stats.Answered != 1 {
			t.Errorf("counted: %+v, %v", stats, err)
		}
	})
}

// Scenario 5: merge is a union of who needs it; undone, both are as before.
func TestAMergeIsUndoneExactly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		one, two := w.published("A calendar"), w.published("An agenda")
		for _, who := range []string{"ana", "bob", "cem"} {
			w.ok(w.AlsoAccount(ctx, one.ID, who))
			w.ok(w.AlsoAccount(ctx, one.ID, who)) // counted once
		}
		for _, who := range []string{"cem", "dan"} {
			w.ok(w.AlsoAccount(ctx, two.ID, who))
		}
		_, err := w.Merge(ctx, two.ID, one.ID)
		w.ok(err)
		if n, err := w.Get(ctx, one.ID); err != nil || n.Voices != 4 {
			t.Errorf("the union has %d voices, %v", n.Voices, err)
		}
		w.ok(w.AlsoAccount(ctx, one.ID, "dan")) // known of the other
		if list, err := w.List(ctx, Published, 10, 0); err != nil || len(list) != 1 {
			t.Errorf("both are shown: %v, %v", list, err)
		}
		for _, pair := range [][2]string{{one.ID, two.ID}, {one.ID, one.ID}, {two.ID, one.ID}} {
			if _, err := w.Merge(ctx, pair[0], pair[1]); err == nil {
				t.Errorf("merged %v", pair)
			}
		}
		_, err = w.Split(ctx, two.ID)
		w.ok(err)
		for id, want := range map[string]int64{one.ID: 3, two.ID: 2} {
			if n, err := w.Get(ctx, id); err != nil || n.Voices != want || n.MergedInto != "" {
				t.Errorf("after the undo: %+v, %v", n, err)
			}
		}
	})
}
