package letin

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/succession/migrations"
)

const owner core.MemberID = "chaton-a.test"

type world struct {
	*testing.T
	doors *Doors
	now   time.Time
	mails []Letter
	knows map[string]string
}

func (w *world) CanMail() bool { return true }

func (w *world) Mail(_ context.Context, to, title, text string) error {
	w.mails = append(w.mails, Letter{to, title, text})
	return nil
}

func newWorld(t *testing.T, d *db.DB) *world {
	w := &world{T: t, now: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), knows: map[string]string{"al@x.test": "alice"}}
	w.doors = New(Needs{
		DB: d, URL: "https://b.test", Mailer: func() (Mailer, bool) { return w, true }, Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler),
		Find: func(_ context.Context, _ core.MemberID, mail, _ string, link func(string) string) (string, func(string) Letter, error) {
			return w.knows[mail], func(token string) Letter { return Letter{mail, "title", link(token)} }, nil
		},
	})
	return w
}

// ask types an address and lets the mails go out.
func (w *world) ask(mail string) {
	w.Helper()
	if err := w.doors.Ask(owner, mail, "en", ""); err != nil {
		w.Error(err)
	}
	for len(w.doors.asked) > 0 {
		if err := w.doors.answer(w.Context(), <-w.doors.asked); err != nil {
			w.Error(err)
		}
	}
}

func (w *world) token() string {
	w.Helper()
	if len(w.mails) == 0 {
		w.Fatal("no mail")
	}
	_, token, _ := strings.Cut(w.mails[len(w.mails)-1].Text, "?code=")
	return token
}

func (w *world) enter(token string) (Guest, *http.Request, error) {
	rec := httptest.NewRecorder()
	g, err := w.doors.Enter(rec, httptest.NewRequestWithContext(w.Context(), http.MethodPost, InPath, nil), token)
	next := httptest.NewRequestWithContext(w.Context(), http.MethodGet, "/", nil)
	for _, c := range rec.Result().Cookies() {
		next.AddCookie(c)
	}
	return g, next, err
}

func TestOneLinkOneEntry(t *testing.T) {
	dbtest.Each(t, "succession", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.ask("nobody@x.test")
		if len(w.mails) != 0 {
			t.Fatal("a stranger was written to")
		}
		w.ask(" AL@x.test")
		token := w.token()
		for range 3 { // what scanners of mails do
			if whose, err := w.doors.Whose(t.Context(), token); err != nil || whose != owner {
				t.Fatal(err)
			}
		}
		g, browser, err := w.enter(token)
		if err != nil || g.Who != "alice" {
			t.Fatal(err)
		}
		if _, _, err := w.enter(token); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("used twice: %v", err)
		}
		if g, ok, err := w.doors.Guest(browser, owner); err != nil || !ok || g.Who != "alice" {
			t.Errorf("%v %v", ok, err)
		}
		if _, ok, _ := w.doors.Guest(browser, "chaton-c.test"); ok {
			t.Error("a session of one owner is good for another")
		}
		w.now = w.now.Add(sessionLives)
		if _, ok, _ := w.doors.Guest(browser, owner); ok {
			t.Error("a session does not end")
		}
		w.now = w.now.Add(forgets)
		w.ask("al@x.test")
		w.now = w.now.Add(linkLives)
		if _, _, err := w.enter(w.token()); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("a link is good after 30 minutes: %v", err)
		}
		if err := forget(t.Context(), d, core.At(w.now)); err != nil {
			t.Error(err)
		}
	})
}

func TestOneOfManyUsesALink(t *testing.T) {
	dbtest.Each(t, "succession", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.ask("al@x.test")
		token := w.token()
		var all sync.WaitGroup
		var mu sync.Mutex
		entered := 0
		for range 8 {
			all.Go(func() {
				if _, _, err := w.enter(token); err == nil {
					mu.Lock()
					entered++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if entered != 1 {
			t.Errorf("%d entered", entered)
		}
	})
}

func TestGrowingDelay(t *testing.T) {
	dbtest.Each(t, "succession", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for range 60 * 6 { // each minute for six hours
			w.ask("al@x.test")
			w.ask("nobody@x.test")
			w.now = w.now.Add(time.Minute)
		}
		if n := len(w.mails); n < 6 || n > 13 {
			t.Errorf("%d mails in six hours", n)
		}
		for _, bad := range []string{"", "x", "a@b", "al@x.test\nBcc: c@d.test", "<al@x.test>"} {
			if err := w.doors.Ask(owner, bad, "en", ""); core.CodeOf(err) != core.CodeInvalid {
				t.Errorf("%q: %v", bad, err)
			}
		}
		sent := 0
		for range 1000 {
			if w.doors.paces.admit("net 192.0.2.1", perNetwork(), w.now) {
				sent++
			}
		}
		if sent != perNetwork().free {
			t.Errorf("%d from one network at once", sent)
		}
	})
}

func TestPasswords(t *testing.T) {
	dbtest.Each(t, "succession", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		g := Guest{owner, "alice"}
		first, err := w.doors.Password(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		second, err := w.doors.Password(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		by := func(password string) bool {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.SetBasicAuth("anybody", password)
			g, ok, err := w.doors.Program(r, owner)
			return ok && err == nil && g.Who == "alice"
		}
		if by(first) || !by(second) || by("") {
			t.Error("only the last password is good")
		}
		if all, err := w.doors.Passwords(t.Context(), owner); err != nil || len(all) != 1 || all["alice"] == "" || strings.Contains(all["alice"], second) {
			t.Errorf("%v %v", all, err)
		}
		link, err := w.doors.Give(t.Context(), owner, "bob")
		if err != nil || !strings.HasPrefix(link, "https://b.test/rescue/in?code=") {
			t.Errorf("%s %v", link, err)
		}
		if err := w.doors.End(t.Context(), owner, "alice"); err != nil || by(second) {
			t.Errorf("a password outlives its end: %v", err)
		}
		if _, _, err := w.enter(strings.TrimPrefix(link, "https://b.test/rescue/in?code=")); err != nil {
			t.Errorf("of another: %v", err)
		}
	})
}
