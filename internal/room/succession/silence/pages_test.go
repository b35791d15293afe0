package silence

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
	"entrechat/internal/room/succession/migrations"
)

// TestPages: an admin reads who is not heard, whom to call and what to do, and notes a call.
func TestPages(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
	w.passes(8 * day)
	cat, err := words.New(web.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"fr", "en"} {
		site := web.New(web.Needs{
			DB: dbtest.SQLite(t, "web", web.Migrations()), Words: cat, Lang: lang, URL: "http://127.0.0.1", Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Host: func(context.Context) web.Host { return web.Host{Name: "Chaton", Origin: self} },
		})
		mux := http.NewServeMux()
		for _, r := range w.Pages(site).Routes {
			mux.Handle(r.Pattern, r.Handler)
		}
		do := func(method, path string, form url.Values) (int, string) {
			r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Accept-Language", lang)
			rec := httptest.NewRecorder()
			mux.ServeHTTP(rec, r)
			return rec.Code, rec.Body.String()
		}
		one := Path + "/" + string(lost)
		for path, want := range map[string]string{Path: `href="` + one + `"`, one: "zoe@people.test"} {
			if code, body := do(http.MethodGet, path, nil); code != http.StatusOK || strings.Contains(body, "⟦") || !strings.Contains(body, want) {
				t.Errorf("%s %s: %d\n%s", lang, path, code, body)
			}
		}
		if code, body := do(http.MethodPost, one, url.Values{"by": {"Ana"}}); code == http.StatusSeeOther || strings.Contains(body, "⟦") {
			t.Errorf("neither yes nor no: %d", code)
		}
		w.now = w.now.Add(time.Minute)
		if code, body := do(http.MethodPost, one, url.Values{"by": {"Ana"}, "reached": {"no"}, "note": {"rang"}}); code != http.StatusSeeOther {
			t.Errorf("noted: %d\n%s", code, body)
		}
	}
	if v := w.view(); len(v.Calls) != 2 || v.Calls[0].Note != "rang" || v.Next != "wait" {
		t.Errorf("%+v", v)
	}
}
