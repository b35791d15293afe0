package web_test

import (
	"net/http"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

// file answers a file, or that there is none.
func file(site *web.Site) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site.Answer(w, r, "text/plain; charset=utf-8", "public, max-age=60", func(p *words.Printer) ([]byte, error) {
			if r.PathValue("name") == "none" {
				return nil, core.NotFound("web.fail_not_found", nil)
			}
			return []byte("in " + p.Lang), nil
		})
	})
}

// TestAnswer: a file is in the reader's language, for any site and any cache, and sets no cookie.
func TestAnswer(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t, "web", web.Migrations()))
	c := s.browser(t)
	got := s.get(t, c, "/file/feed?lang=en")
	want(t, got, 200, "in en")
	for name, value := range map[string]string{
		"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "public, max-age=60", "Content-Language": "en", "Vary": "Accept-Language, Cookie",
		"Access-Control-Allow-Origin": "*", "Set-Cookie": "",
	} {
		if h := got.Header.Get(name); h != value {
			t.Errorf("%s: %q, want %q", name, h, value)
		}
	}
	want(t, s.get(t, c, "/file/feed"), 200, "in fr")
	got = s.get(t, c, "/file/none")
	want(t, got, 404, "<html")
	if got.Header.Get("Access-Control-Allow-Origin") != "" || strings.Contains(got.Header.Get("Cache-Control"), "public") {
		t.Errorf("an error may be kept, or read by others: %v", got.Header)
	}
}
