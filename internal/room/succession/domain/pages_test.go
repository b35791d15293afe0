package domain

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/migrations"
)

// fixed answers the same facts, and notes what was asked.
type fixed struct {
	facts Facts
	asked Ask
}

func (f *fixed) Read(_ context.Context, ask Ask) (Facts, error) {
	f.asked = ask
	facts := f.facts
	facts.Sets = append([]Set(nil), facts.Sets...)
	return facts, nil
}

// TestPage: an admin types a domain and reads what stops, step by step; a name that is none is told, and
// what was typed is kept.
func TestPage(t *testing.T) {
	source := &fixed{facts: good()}
	change(&source.facts, source.facts.Name, "A", func(s *Set) { s.TTL = 86400 })
	told := &registryTold{expires: noon.Add(300 * day), holder: HolderGroup}
	s := New(Needs{DB: dbtest.SQLite(t, "succession", migrations.Files), Source: source, Registries: func() (Registries, bool) { return told, true }, Now: time.Now})
	cat, err := words.New(web.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	for lang, wants := range map[string][]string{
		"en": {"comes first (1)", "5. How long resolvers keep records", "A of chaton-a.org is kept for 86400 s"},
		"fr": {"vient d'abord (1)", "5. Durées de cache (TTL)", "A de chaton-a.org est gardé 86400 s"},
	} {
		site := web.New(web.Needs{
			DB: dbtest.SQLite(t, "web", web.Migrations()), Words: cat, Lang: lang, URL: "http://127.0.0.1", Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Host: func(context.Context) web.Host {
				return web.Host{Name: "Chaton", Origin: core.MemberID("chaton-a.test")}
			},
		})
		mux := http.NewServeMux()
		for _, r := range s.Pages(site).Routes {
			mux.Handle(r.Pattern, r.Handler)
		}
		do := func(method string, form url.Values) (int, string) {
			r := httptest.NewRequestWithContext(t.Context(), method, Path, strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Accept-Language", lang)
			rec := httptest.NewRecorder()
			mux.ServeHTTP(rec, r)
			return rec.Code, strings.ReplaceAll(strings.ReplaceAll(rec.Body.String(), "&#39;", "'"), "\u00a0", " ")
		}
		if code, body := do(http.MethodGet, nil); code != http.StatusOK || strings.Contains(body, "⟦") || strings.Contains(body, "<h2>") {
			t.Errorf("%s: %d\n%s", lang, code, body)
		}
		code, body := do(http.MethodPost, url.Values{"name": {"chaton-a.org"}, "servers": {"ns1.b.test, ns2.b.test"}, "selectors": {"k1"}})
		for _, want := range append(wants, `value="ns1.b.test, ns2.b.test"`) {
			if code != http.StatusOK || !strings.Contains(body, want) || strings.Contains(body, "⟦") {
				t.Errorf("%s: %d, no %q\n%s", lang, code, want, body)
			}
		}
		if !source.asked.Public || len(source.asked.Next) != 2 || source.asked.Selectors[0] != "k1" {
			t.Errorf("asked %+v", source.asked)
		}
		if code, body := do(http.MethodPost, url.Values{"name": {"nonsense"}}); code == http.StatusOK || !strings.Contains(body, "xn--") || !strings.Contains(body, `value="nonsense"`) {
			t.Errorf("%s: nonsense: %d\n%s", lang, code, body)
		}
	}
}
