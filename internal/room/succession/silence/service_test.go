package silence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/migrations"
	"entrechat/internal/room/succession/promise"
)

const self core.MemberID = "chaton-b.test"

func keyOf(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return ""
}

func trimmed(s string) string { return strings.TrimSpace(s) }

// world is one node, and what it knows of the others; all but chaton-a were heard an hour ago.
type world struct {
	*Service
	t        *testing.T
	now      core.Moment
	heard    core.Moment // of chaton-a
	voice    core.Moment
	ahead    time.Duration // our clock
	watchers int
	networks int
	named    []promise.Successor
	ever     bool
	boxes    []string // scopes that somebody keeps shares of
	asked    []string
	admins   []string // of ours, beside Ana
	mails    []string // address and title
	texts    []string
	broken   bool // the mail server
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	cat, err := words.New(Words)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, now: noon, heard: noon, watchers: 4, networks: 3, boxes: []string{"serve", "data:mail"},
		named: []promise.Successor{{Owner: lost, Service: "mail", Member: self, Rank: 1, Backups: []string{"mail"}, Since: noon.Add(-90 * day)}},
	}
	w.Service = New(Needs{
		DB: d, Self: self, URL: "https://chaton-b.test", Book: w, Named: w,
		Watch: func() (Watch, bool) { return w, true }, Custody: func() (Custody, bool) { return w, true },
		Pacts: func() (Pacts, bool) { return w, true }, Mailer: func() (Mailer, bool) { return w, true },
		Say: cat.Printer("en"), Now: func() time.Time { return w.now.Time() }, Log: slog.New(slog.DiscardHandler),
	})
	return w
}

func (w *world) Known(context.Context) (out []logbook.Member, _ error) {
	out = append(out, logbook.Member{ID: lost, Heard: w.heard}, logbook.Member{ID: self, Heard: w.now})
	for _, m := range []core.MemberID{"chaton-c.test", "chaton-d.test", "chaton-e.test"} {
		out = append(out, logbook.Member{ID: m, Heard: w.now.Add(-w.ahead - time.Hour)})
	}
	return out, nil
}

func (w *world) Down(context.Context, core.MemberID) (core.Moment, int, int, error) {
	return w.heard, w.watchers, w.networks, nil
}
func (w *world) CutOff(context.Context) (core.Moment, error) { return 0, nil }
func (w *world) CallList(_ context.Context, owner core.MemberID) (string, error) {
	if owner != lost {
		return "", nil
	}
	return "Zoé Planted, 01 02 03 04 05, zoe@people.test", nil
}
func (w *world) Voice(context.Context, core.MemberID) (core.Moment, error) { return w.voice, nil }
func (w *world) AskSilent(_ context.Context, owner core.MemberID, scope, purpose string) (string, error) {
	if owner != lost || !slices.Contains(w.boxes, scope) {
		return "", core.NotFound("custody.breakglass.nobody_holds", errors.New("nobody"))
	}
	if purpose == "" || strings.Contains(purpose, "⟦") {
		w.t.Errorf("purpose %q", purpose)
	}
	w.asked = append(w.asked, scope)
	return strings.Repeat("5a", 31) + "0" + string(rune('a'+len(w.asked))), nil
}

func (w *world) AdminMails(context.Context) ([]string, error) {
	return append([]string{"ana@chaton-b.test"}, w.admins...), nil
}

func (w *world) Contact(_ context.Context, m core.MemberID) (string, error) {
	if m != lost {
		return "", core.NotFound("test", errors.New("no pact"))
	}
	return "contact@chaton-a.test", nil
}
func (w *world) CanMail() bool { return true }
func (w *world) Mail(_ context.Context, to, title, text string) error {
	if w.broken {
		return core.Unsure("test", errors.New("down"))
	}
	w.mails, w.texts = append(w.mails, to+": "+title), append(w.texts, text)
	return nil
}

func (w *world) Of(_ context.Context, owner core.MemberID) (out []promise.Successor, _ error) {
	for _, n := range w.named {
		if owner == "" || n.Owner == owner {
			out = append(out, n)
		}
	}
	return out, nil
}

func (w *world) Ever(context.Context, core.MemberID, core.MemberID) (bool, error) { return w.ever, nil }

// passes lets time pass; the job runs every twelve hours.
func (w *world) passes(d time.Duration) {
	w.t.Helper()
	for end := w.now.Add(d); w.now < end; {
		w.now = min(w.now.Add(12*time.Hour), end)
		if err := w.Run(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) view() View {
	w.t.Helper()
	v, err := w.View(w.t.Context(), lost)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *world) next(want string) {
	w.t.Helper()
	if v := w.view(); v.Next != want {
		w.t.Errorf("on day %d, %s: do %q, not %q", v.Days, v.State, v.Next, want)
	}
}

func (w *world) call(reached bool) {
	w.t.Helper()
	if err := w.Called(w.t.Context(), Call{Member: lost, By: "Ana", Reached: reached, Note: "rang twice"}); err != nil {
		w.t.Fatal(err)
	}
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, "succession", migrations.Files, func(t *testing.T, d *db.DB) { fn(t, newWorld(t, d)) })
}

// TestThreeWeeks: an owner falls silent, people are mailed at day 7, 14 and 21, call, ask; the owner
// comes back, and what was asked is over.
func TestThreeWeeks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.passes(6 * day)
		w.next("nothing")
		w.passes(day + time.Hour)
		w.next("call")
		if got := strings.Join(w.mails, "\n"); got != "ana@chaton-b.test: chaton-a.test has been silent for 7 days" {
			t.Errorf("mails on day 7:\n%s", got)
		}
		w.call(true)
		w.next("agree")
		w.passes(time.Minute)
		w.call(false)
		w.next("wait")
		w.passes(7 * day)
		if v := w.view(); !v.Close || v.Days != 14 {
			t.Errorf("the door on day %d: %v", v.Days, v.Close)
		}
		if _, err := w.Ask(ctx, lost, "mail"); keyOf(err) != "succession.silence.early" {
			t.Errorf("asked on day 14: %v", err)
		}
		w.passes(7 * day)
		w.next("ask")
		if len(w.mails) != 3 || !strings.Contains(w.texts[2], "entrechat succession ask chaton-a.test mail") || !strings.Contains(w.texts[2], "https://chaton-b.test/admin/succession/silent/chaton-a.test") {
			t.Errorf("mails: %q\n%s", w.mails, w.texts[len(w.texts)-1])
		}
		for range 2 { // the second time nothing is asked again
			made, err := w.Ask(ctx, lost, "mail")
			if err != nil || len(made) != 2 || made[0].Scope != "serve" || made[1].Scope != "data:mail" || len(w.asked) != 2 {
				t.Fatalf("%+v, %v, asked %v", made, err, w.asked)
			}
		}
		w.next("collect")
		w.passes(5 * day)
		w.heard = w.now
		w.passes(time.Hour)
		w.next("back")
		if v := w.view(); len(v.Asks) != 0 || len(v.Over) != 2 || len(v.Calls) != 0 || v.Close {
			t.Errorf("the owner is back: %+v", v)
		}
		if _, err := w.Ask(ctx, lost, "mail"); keyOf(err) != "succession.silence.well" {
			t.Errorf("asked though the owner is back: %v", err)
		}
		w.passes(8 * day)
		if len(w.mails) != 4 {
			t.Errorf("a second silence is mailed of anew: %q", w.mails)
		}
	})
}

// TestEarlyDeclarationOfDeath: each thing that is missing is said, and nothing is asked.
func TestEarlyDeclarationOfDeath(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		refused := func(want string) {
			t.Helper()
			if _, err := w.Ask(t.Context(), lost, "mail"); keyOf(err) != want {
				t.Errorf("%v, want %s", err, want)
			}
			if len(w.asked) != 0 {
				t.Errorf("asked: %v", w.asked)
			}
		}
		w.now = noon.Add(20*day + 23*time.Hour)
		refused("succession.silence.early")
		w.now = noon.Add(22 * day)
		refused("succession.silence.nobody_called")
		w.call(true)
		refused("succession.silence.was_reached")
		w.now = w.now.Add(time.Minute)
		w.call(false)
		w.watchers, w.networks = 2, 2 // two that lie
		refused("succession.silence.quiet")
		w.watchers, w.networks = 3, 1
		refused("succession.silence.quiet")
		w.networks = 2
		w.named[0].Since = w.now.Add(-29 * day)
		refused("succession.silence.unsettled")
		w.named[0].Member = "chaton-c.test"
		refused("succession.silence.not_ours")
		w.named[0].Member, w.named[0].Since = self, noon.Add(-90*day)
		w.voice = w.now.Add(-time.Hour) // a card of the owner's objected to an ask here
		refused("succession.silence.well")
		w.voice, w.boxes = 0, nil
		refused("custody.breakglass.nobody_holds")
	})
}

// TestAtAHolder: what a holder answers about an ask of a successor.
func TestAtAHolder(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.now = noon.Add(21 * day)
		for name, c := range map[string]struct {
			member core.MemberID
			scope  string
			change func()
			known  bool
			want   string
		}{
			"named, silent":                         {self, "data:mail", func() {}, true, ""},
			"its accounts":                          {self, "data:accounts", func() { w.named[0].Service, w.named[0].Backups = promise.Accounts, nil }, true, ""},
			"serve":                                 {self, "serve", func() {}, true, ""},
			"another backup":                        {self, "data:wiki", func() {}, false, "succession.silence.not_named"},
			"root":                                  {self, "root", func() {}, false, "succession.silence.not_named"},
			"domain":                                {self, "domain", func() {}, false, "succession.silence.not_named"},
			"somebody else":                         {"chaton-c.test", "data:mail", func() {}, false, "succession.silence.not_named"},
			"named 29 days ago":                     {self, "data:mail", func() { w.named[0].Since = w.now.Add(-29 * day) }, false, "succession.silence.not_named"},
			"named 29 days ago, our clock is ahead": {self, "data:mail", func() { w.ahead, w.named[0].Since = 9*day, w.now.Add(-38*day) }, false, "succession.silence.not_named"},
			"two watchers":                          {self, "data:mail", func() { w.watchers = 2 }, false, ""},
			"heard here":                            {self, "data:mail", func() { w.heard = w.now.Add(-day) }, false, "succession.silence.well"},
			"not heard for 12 days":                 {self, "data:mail", func() { w.heard, w.watchers = w.now.Add(-12*day), 0 }, false, "succession.silence.well"},
			"silent for 20 days":                    {self, "data:mail", func() { w.heard = w.now.Add(-20 * day) }, false, "succession.silence.early"},
			"its card said no yesterday":            {self, "data:mail", func() { w.voice = w.now.Add(-day) }, false, "succession.silence.well"},
			"our clock leapt":                       {self, "data:mail", func() { w.heard, w.voice = w.now.Add(-500*day), 0 }, true, ""},
		} {
			before := *w
			was := w.named[0]
			c.change()
			known, err := w.MayAsk(t.Context(), lost, c.member, c.scope)
			if known != c.known || keyOf(err) != c.want {
				t.Errorf("%s: %v, %v", name, known, err)
			}
			*w = before
			w.named[0] = was
		}
	})
}

// says has the owner name us for mail and these backups, as its logbook would.
func (w *world) says(index int64, backups ...string) {
	w.t.Helper()
	p := promise.New(promise.Needs{DB: w.n.DB, Self: self, Now: w.n.Now})
	body, err := wire.Encode(promise.Naming{Service: "mail", Backups: backups, Successors: []core.MemberID{self}})
	if err == nil {
		err = p.Readers()[0].Read(w.t.Context(), logbook.Entry{Log: lost, Index: index, Typ: promise.TypeNaming, Iat: 1, Body: body})
	}
	if err == nil {
		w.named, err = p.Of(w.t.Context(), lost)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestBackupAddedLately: who was named for mail long ago, and for another backup yesterday, as by
// who stole the owner's key, asks for mail alone; the new backup is told like a new successor.
func TestBackupAddedLately(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.now = noon.Add(-90 * day)
		w.says(1, "mail")
		w.now = noon
		w.says(2, "mail", "cloud")
		w.boxes = append(w.boxes, "data:cloud")
		w.passes(time.Hour)
		if len(w.mails) != 1 || !strings.HasPrefix(w.mails[0], "zoe@people.test") {
			t.Errorf("mails about the new backup: %q", w.mails)
		}
		w.passes(21 * day)
		w.call(false)
		if _, err := w.MayAsk(t.Context(), lost, self, "data:cloud"); keyOf(err) != "succession.silence.not_named" {
			t.Errorf("a holder on day 21: %v", err)
		}
		if known, err := w.MayAsk(t.Context(), lost, self, "data:mail"); err != nil || !known {
			t.Errorf("the old backup: %v, %v", known, err)
		}
		if made, err := w.Ask(t.Context(), lost, "mail"); err != nil || len(made) != 2 || slices.Contains(w.asked, "data:cloud") {
			t.Errorf("asked: %v, %v", w.asked, err)
		}
		w.passes(10 * day)
		if made, err := w.Ask(t.Context(), lost, "mail"); err != nil || len(made) != 3 || !slices.Contains(w.asked, "data:cloud") {
			t.Errorf("30 days after it was named: %v, %v", w.asked, err)
		}
	})
}

// TestAskedAgain: holders' people were away until an ask ended; the owner is dead all the same.
func TestAskedAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.passes(22 * day)
		w.call(false)
		for _, want := range []int{2, 2, 4} {
			if _, err := w.Ask(t.Context(), lost, "mail"); err != nil || len(w.asked) != want {
				t.Fatalf("%v, %v, not %d", w.asked, err, want)
			}
			w.passes(61 * day)
		}
		w.passes(61 * day)
		w.next("ask")
	})
}

// TestNamingsAreNoMailBomb: an owner that names somebody else each hour has few mails sent.
func TestNamingsAreNoMailBomb(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i := range 3 * maxNamings {
			w.now = w.now.Add(time.Minute)
			w.named = []promise.Successor{{Owner: lost, Service: "mail", Member: "thief.test", Rank: 1 + i%3, Since: w.now}}
			if err := w.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if len(w.mails) != maxNamings {
			t.Errorf("%d mails", len(w.mails))
		}
		w.passes(8 * day)
		before := len(w.mails)
		w.named[0].Since = w.now
		w.passes(time.Hour)
		if len(w.mails) != before+1 {
			t.Errorf("a week later: %d mails more", len(w.mails)-before)
		}
	})
}

// TestNewSuccessorIsTold: a naming is mailed once to the people on the owner's contact sheet, and to
// ours where the owner named us before.
func TestNewSuccessorIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.passes(day)
		if len(w.mails) != 0 {
			t.Fatalf("an old naming is no news: %q", w.mails)
		}
		w.named = []promise.Successor{{Owner: lost, Service: "mail", Member: "thief.test", Rank: 1, Since: w.now}}
		w.broken = true
		w.passes(time.Hour)
		w.broken = false
		w.passes(2 * day)
		if got := strings.Join(w.mails, "\n"); got != "zoe@people.test: chaton-a.test named thief.test to take mail over" {
			t.Errorf("mails:\n%s", got)
		}
		w.ever = true
		w.mails, w.named[0].Member = nil, "other.test"
		w.named[0].Since = w.now
		w.passes(day)
		if len(w.mails) != 2 || !strings.HasPrefix(w.mails[0], "ana@chaton-b.test") {
			t.Errorf("the old successor's people are told too: %q", w.mails)
		}
		for i := range maxMails {
			w.admins = append(w.admins, fmt.Sprintf("admin%d@chaton-b.test", i))
		}
		w.mails, w.named[0].Since = nil, w.now
		w.passes(day)
		if !slices.ContainsFunc(w.mails, func(m string) bool { return strings.HasPrefix(m, "zoe@people.test") }) {
			t.Errorf("we are many, and the owner's people are not told: %q", w.mails)
		}
	})
}

// TestMailsWhomItConcerns: of a member with which we have nothing in common nobody is mailed.
func TestMailsWhomItConcerns(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		v := View{Finding: Finding{Member: "x.test", State: Silent}}
		if v.Tied() {
			t.Error("a stranger is tied to us")
		}
		w.passes(8 * day)
		if len(w.mails) != 1 {
			t.Errorf("%q", w.mails)
		}
		if err := w.Called(t.Context(), Call{Member: "x.test", By: "Ana"}); keyOf(err) != "succession.silence.unknown" {
			t.Errorf("%v", err)
		}
		for _, c := range []Call{{Member: lost}, {Member: lost, By: "Ana", Note: "a\x00b"}, {Member: lost, By: strings.Repeat("a", 81)}, {Member: lost, By: "a\u202eb"}} {
			if err := w.Called(t.Context(), c); keyOf(err) != "succession.silence.bad_call" {
				t.Errorf("%+v: %v", c, err)
			}
		}
	})
}

// TestCallsAreForgotten: who called whom is of persons.
func TestCallsAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.call(false)
		w.now = w.now.Add(keptCalls + time.Hour)
		if err := w.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if calls, err := callsOf(t.Context(), w.n.DB, lost); err != nil || len(calls) != 0 {
			t.Errorf("%+v, %v", calls, err)
		}
	})
}

// TestEveryNextHasWords in both languages.
func TestEveryNextHasWords(t *testing.T) {
	cat, err := words.New(Words)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"fr", "en"} {
		p := cat.Printer(lang)
		for _, n := range []string{"nothing", "back", "line", "look", "call", "agree", "others", "wait", "settle", "ask", "collect"} {
			for _, s := range []State{Well, Quiet, Silent, OwnLine} {
				v := View{Finding: Finding{Member: lost, State: s, Heard: noon, Since: noon}, Next: n, Others: []promise.Successor{{Member: "chaton-c.test"}}}
				if text := v.says(p) + v.NextSays(p); strings.Contains(text, "⟦") || strings.Contains(text, "no value") {
					t.Error(text)
				}
			}
		}
	}
}
