package breakglass

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/heir"
	"entrechat/internal/room/custody/mandate"
	"entrechat/internal/room/custody/share"
)

// office is a node's pages as an admin who is signed in sees them.
type office struct {
	*world
	handler http.Handler
	lang    string
}

func (w *world) office(letter, lang string) office {
	w.t.Helper()
	cat, err := words.New(web.Words, Words, share.Words, mandate.Words, heir.Words)
	w.must(err)
	site := web.New(web.Needs{
		DB: dbtest.SQLite(w.t, "web", web.Migrations()), Words: cat, Lang: lang, URL: "http://127.0.0.1", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Host: func(context.Context) web.Host { return web.Host{Name: "Chaton", Origin: hosterA} },
	})
	mux := http.NewServeMux() // without the guard of the site: who may see admins' pages is its own test
	pages := w.node(letter).Pages(site)
	for _, r := range pages.Routes {
		mux.Handle(r.Pattern, r.Handler)
	}
	mux.HandleFunc("GET /alarm", func(rw http.ResponseWriter, r *http.Request) {
		for _, section := range site.Render(r, pages.Alarms) {
			_, _ = rw.Write([]byte(section))
		}
	})
	return office{w, mux, lang}
}

// do sends a request and answers where it leads, or what it shows.
func (o office) do(method, path string, form url.Values) (status int, next, body string) {
	o.t.Helper()
	r := httptest.NewRequestWithContext(o.t.Context(), method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept-Language", o.lang)
	rec := httptest.NewRecorder()
	o.handler.ServeHTTP(rec, r)
	return rec.Code, rec.Header().Get("Location"), rec.Body.String()
}

func (o office) sees(path string, texts ...string) {
	o.t.Helper()
	status, _, body := o.do(http.MethodGet, path, nil)
	if status != http.StatusOK || strings.Contains(body, "⟦") || len(body) > 15_000 {
		o.t.Fatalf("%s: %d, %d bytes\n%s", path, status, len(body), body)
	}
	for _, want := range texts {
		without, not := strings.CutPrefix(want, "!")
		if strings.Contains(body, without) == not {
			o.t.Errorf("%s: %q\n%s", path, want, body)
		}
	}
}

// TestPages: a holder reads what is asked, and lets the share go only with the six words it
// heard and after a call; the owner's people see it at once.
func TestPages(t *testing.T) {
	for _, lang := range []string{"fr", "en"} {
		w := newWorld(t, nil)
		b, a := w.office("b", lang), w.office("a", lang)
		b.sees(Path)
		b.sees(RotationPath)
		s, err := w.node("c").Open(t.Context(), Wish{Scope: "root", Of: hosterA, Reason: "incident", Purpose: "<script>alert(1)</script>"})
		w.must(err)
		w.work()
		one := Path + "/" + s.ID
		a.sees("/alarm", "custody-asks", s.ID)
		a.sees(one, one+"/veto", "!/release\"")
		b.sees(Path, "chaton-c.test", s.ID)
		b.sees(one, "!<script>", s.Words(), one+"/decline", one+"/sooner", "!/release\"")
		w.passes(14 * day)
		b.sees(one, one+"/release")
		b.sees("/alarm", s.ID)
		for _, what := range []string{"decline", "sooner", "overrule", "veto"} {
			b.sees(one + "/" + what)
		}
		b.sees(one+"/release", "!<script>", "01 02 03 04 05", "!"+s.Words())
		for _, form := range []url.Values{{}, {"heard": {"one two three four five six"}, "called": {"1"}}, {"heard": {s.Words()}}} {
			if status, _, body := b.do(http.MethodPost, one+"/release", form); status != http.StatusForbidden && status != http.StatusBadRequest {
				t.Errorf("%v: %d\n%s", form, status, body)
			}
		}
		if got := w.state("b", s.ID); got != "ready" {
			t.Fatalf("%s", got)
		}
		status, next, body := b.do(http.MethodPost, one+"/release", url.Values{"heard": {" " + strings.ToUpper(s.Words())}, "called": {"1"}})
		if status != http.StatusSeeOther || next != one || w.state("b", s.ID) != "released" {
			t.Fatalf("%d %s\n%s", status, next, body)
		}
		b.sees(one, "!"+one+"/decline")
		c := w.office("d", lang)
		if status, _, _ := c.do(http.MethodPost, one+"/decline", nil); status != http.StatusSeeOther || w.state("d", s.ID) != "refused" {
			t.Errorf("declined: %d", status)
		}
		w.must(w.node("a").settle(t.Context(), must(get(t.Context(), w.node("a").db, s.ID))))
	}
}

// TestRotationPage: what a box held is changed line by line.
func TestRotationPage(t *testing.T) {
	w := newWorld(t, nil)
	ctx, s := t.Context(), w.opens()
	w.passes(14 * day)
	for _, letter := range []string{"b", "c", "d"} {
		w.must(w.node(letter).Release(ctx, s.ID, false))
	}
	var out got
	_, err := w.node("a").Collect(ctx, s.ID, nil, out.deliver)
	w.must(err)
	a := w.office("a", "en")
	a.sees(RotationPath, "the account at the registrar", "to change before")
	a.sees(Path, "2 things to change")
	form := url.Values{"deal": {string(w.deal.ID)}, "line": {"2"}}
	if status, next, body := a.do(http.MethodPost, RotationPath, form); status != http.StatusSeeOther || next != RotationPath {
		t.Errorf("%d\n%s", status, body)
	}
	if due, _, err := w.node("a").Due(ctx); err != nil || due != 1 {
		t.Errorf("%d due, %v", due, err)
	}
	w.really = w.really.Add(15 * day)
	a.sees(RotationPath, "LATE")
	a.sees("/alarm", RotationPath)
	if err := w.node("a").checkRotation(ctx); code(err) != "custody.breakglass.late" {
		t.Errorf("doctor: %v", err)
	}
	if all, err := w.node("a").Metrics(ctx); err != nil || len(all) != 5 || all[4].Value != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}
