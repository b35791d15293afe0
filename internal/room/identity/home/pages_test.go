package home_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/person"
)

// office serves the admins' pages about homes, and says what a browser reads.
func (w *world) office(t *testing.T, ended *[]person.ID) (do func(method, path string, pairs ...string) (status int, body string)) {
	t.Helper()
	cat, err := words.New(web.Words, home.Words)
	if err != nil {
		t.Fatal(err)
	}
	site := web.New(web.Needs{
		DB: dbtest.SQLite(t, "web", web.Migrations()), Words: cat, Lang: "en", URL: "http://127.0.0.1", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Host: func(context.Context) web.Host { return web.Host{Name: "Chaton", Origin: "me.test"} },
	})
	d := home.Doors{Homes: w.Homes, PerDay: 200, Ended: func(_ context.Context, _ db.Querier, v home.Visitor) error {
		*ended = append(*ended, v.Person)
		return nil
	}}
	all := d.Pages(site)
	mux := http.NewServeMux() // without the guard of the site: who may see admins' pages is its own test
	for _, r := range all.Routes {
		mux.Handle(r.Pattern, r.Handler)
	}
	mux.HandleFunc("GET /overview", func(rw http.ResponseWriter, r *http.Request) {
		for _, one := range site.Render(r, all.Overview) {
			_, _ = io.WriteString(rw, string(one))
		}
	})
	return func(method, path string, pairs ...string) (int, string) {
		t.Helper()
		form := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, r)
		if strings.Contains(rec.Body.String(), "⟦") {
			t.Errorf("%s: a word is missing: %s", path, rec.Body)
		}
		return rec.Code, rec.Body.String()
	}
}

func TestPagesOfHomes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var ended []person.ID
		do := w.office(t, &ended)
		if _, body := do(http.MethodGet, home.Path); !strings.Contains(body, "No member has said yet") {
			t.Error(body)
		}
		w.read(t, entry(t, "a.test", 0, card(t, "https://id.a.test", "mail.test")))
		w.read(t, entry(t, "b.test:8443", 0, card(t, "https://b.test:8443")))
		w.trust.may["a.test"] = nil
		alice, _, err := w.admit(t, "a.test", home.Told{Sub: "alice", Handle: "alice"}, 9)
		if err != nil {
			t.Fatal(err)
		}
		w.at = w.at.Add(25 * time.Hour)
		if _, _, err := w.admit(t, "a.test", home.Told{Sub: "zoe", Handle: "zoe"}, 9); err != nil {
			t.Fatal(err)
		}
		if _, body := do(http.MethodGet, home.Path); !strings.Contains(body, "Come in here") || !strings.Contains(body, "Not promised") || !strings.Contains(body, `href="/admin/homes/b.test:8443"`) || !strings.Contains(body, `<td class="number">2</td>`) {
			t.Error(body)
		}
		at := home.Path + "/a.test"
		if _, body := do(http.MethodGet, at); !strings.Contains(body, "1 of 200 at most") || !strings.Contains(body, "not proved") {
			t.Error(body)
		}
		if status, body := do(http.MethodGet, home.Path+"/b.test:8443"); status != http.StatusOK || !strings.Contains(body, "We did not promise") {
			t.Error(status, body)
		}
		if status, body := do(http.MethodPost, at, "do", "shut", "reason", strings.Repeat("x", 501)); status != http.StatusBadRequest || !strings.Contains(body, "500 signs") {
			t.Error(status)
		}
		if status, _ := do(http.MethodPost, at, "do", "shut", "reason", "phishing <b>"); status != http.StatusSeeOther || len(ended) != 2 || ended[0] != alice.ID {
			t.Error(status, ended)
		}
		if _, body := do(http.MethodGet, at); !strings.Contains(body, "phishing &lt;b&gt;") || !strings.Contains(body, "Shut by us") || strings.Contains(body, `value="shut"`) {
			t.Error(body)
		}
		if status, _ := do(http.MethodPost, at, "do", "open"); status != http.StatusSeeOther {
			t.Error(status)
		}
		if _, err := w.Let(t.Context(), "a.test", ""); err != nil {
			t.Error(err)
		}
		for _, path := range []string{home.Path + "/nobody.test", home.Path + "/me.test", home.Path + "/x", home.Path + "/%3Cb%3E"} {
			if status, _ := do(http.MethodGet, path); status != http.StatusNotFound {
				t.Errorf("%s: %d", path, status)
			}
		}
	})
}

// The overview tells of a home's first people for a week, and of nobody else's.
func TestFirstVisitorsAreTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var ended []person.ID
		do := w.office(t, &ended)
		panel := func() string { _, body := do(http.MethodGet, "/overview"); return body }
		if body := panel(); body != "" {
			t.Error(body)
		}
		for i, from := range []core.MemberID{"a.test", "b.test", "b.test"} {
			if _, _, err := w.admit(t, from, home.Told{Sub: fmt.Sprint("s", i), Handle: "xavier"}, 9); err != nil {
				t.Fatal(err)
			}
		}
		if body := panel(); !strings.Contains(body, "1 person of a.test") || !strings.Contains(body, "2 people of b.test") || !strings.Contains(body, `href="/admin/homes/a.test"`) {
			t.Error(body)
		}
		w.at = w.at.Add(7 * 24 * time.Hour)
		if _, _, err := w.admit(t, "a.test", home.Told{Sub: "later", Handle: "later"}, 9); err != nil {
			t.Fatal(err)
		}
		if body := panel(); body != "" {
			t.Error(body)
		}
	})
}
