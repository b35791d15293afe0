package client_test

import (
	"context"
	"io"
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
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/migrations"
)

func TestPages(t *testing.T) {
	cat, err := words.New(web.Words, client.Words)
	if err != nil {
		t.Fatal(err)
	}
	s := service(dbtest.SQLite(t, "identity", migrations.Files))
	site := web.New(web.Needs{
		DB: dbtest.SQLite(t, "web", web.Migrations()), Words: cat, Lang: "fr", URL: "http://127.0.0.1", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Host: func(context.Context) web.Host { return web.Host{Name: "Chaton A", Origin: "chaton-a.test"} },
	})
	mux := http.NewServeMux() // without the guard of the site: who may see admins' pages is its own test
	for _, r := range s.Pages(site).Routes {
		mux.Handle(r.Pattern, r.Handler)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	page := func(answer *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if text := page(http.Get(server.URL + client.Path)); !strings.Contains(text, client.Path+"/add") {
		t.Errorf("%s", text)
	}
	add := url.Values{"template": {"mastodon"}, "url": {"https://toot.chaton-a.test/"}, "name": {"toot"}}
	text := page(http.PostForm(server.URL+client.Path+"/add", add))
	_, secret, _ := strings.Cut(text, "OIDC_CLIENT_SECRET=")
	secret, _, _ = strings.Cut(secret, "\n")
	c, err := s.Get(t.Context(), "toot")
	if err != nil || !c.Holds(secret, c.Made) {
		t.Fatalf("%q, %v\n%s", secret, err, text)
	}
	if text := page(http.Get(server.URL + client.Path + "/toot")); strings.Contains(text, secret) || !strings.Contains(text, "SECRET") {
		t.Errorf("%s", text)
	}
	if text := page(http.PostForm(server.URL+client.Path+"/add", add)); !strings.Contains(text, `value="https://toot.chaton-a.test/"`) {
		t.Errorf("a second of one name loses what was typed: %s", text)
	}
	if text := page(http.PostForm(server.URL+client.Path+"/toot", url.Values{"do": {"stolen"}})); strings.Contains(text, secret) || !strings.Contains(text, "OIDC_CLIENT_SECRET=") {
		t.Errorf("%s", text)
	}
	if c, _ = s.Get(t.Context(), "toot"); c.Holds(secret, c.Made) {
		t.Error("a secret that others know is still taken")
	}
	page(http.PostForm(server.URL+client.Path+"/toot/remove", url.Values{}))
	if all, err := s.All(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}
