package duty

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
	"entrechat/internal/room/custody/migrations"
)

func TestPages(t *testing.T) {
	cat, err := words.New(web.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	site := web.New(web.Needs{
		DB: dbtest.SQLite(t, "web", web.Migrations()), Words: cat, Lang: "en", URL: "http://127.0.0.1", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Host: func(context.Context) web.Host { return web.Host{Name: "Chaton A", Origin: "chaton-a.test"} },
	})
	w, handle := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files)), ""
	w.pacts = []Pact{{ID: "p1", Member: "chaton-b.test", Theirs: "<b>No weekends"}}
	w.said = []string{"Back by noon"}
	mux := http.NewServeMux() // without the guard of the site: who may see admins' pages is its own test
	for _, r := range w.Pages(site, func(*http.Request) (string, error) { return handle, nil }).Routes {
		mux.Handle(r.Pattern, r.Handler)
	}
	do := func(method, path string, pairs ...string) (int, string) {
		form := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, r)
		return rec.Code, rec.Body.String()
	}
	sees := func(path string, texts ...string) {
		t.Helper()
		status, body := do(http.MethodGet, path)
		for _, want := range texts {
			without, not := strings.CutPrefix(want, "!")
			if status != http.StatusOK || strings.Contains(body, without) == not || strings.Contains(body, "⟦") {
				t.Errorf("%s: %d, %q\n%s", path, status, want, body)
			}
		}
	}
	sees(Path, "0 of 3", "not signed", "without a card", "Read the text")
	sees(signPath, "ssh-keygen -Y sign", "!<form")
	if status, _ := do(http.MethodPost, signPath, "known", "yes"); status != http.StatusNotFound {
		t.Errorf("nobody signed: %d", status)
	}
	handle = "zoe"
	sees(signPath, "!<form")
	handle = "ana"
	sees(Path, "Read and sign", "Ana (you)")
	sees(signPath, "<form", "(Ana)")
	if status, body := do(http.MethodPost, signPath); status != http.StatusBadRequest || !strings.Contains(body, "Tick the box") {
		t.Error(status)
	}
	if status, _ := do(http.MethodPost, signPath, "known", "yes"); status != http.StatusSeeOther {
		t.Error(status)
	}
	sees(Path, "1 of 3", "with the account")

	sees(limitsPath, "&lt;b&gt;No weekends", "not read yet", "Back by noon")
	if status, _ := do(http.MethodPost, limitsPath, "pact", "p1", "hash", hashOf("other")); status != http.StatusConflict {
		t.Error(status)
	}
	if status, _ := do(http.MethodPost, limitsPath, "pact", "p1", "hash", hashOf("<b>No weekends")); status != http.StatusSeeOther {
		t.Error(status)
	}
	sees(limitsPath, "!not read yet")
}
