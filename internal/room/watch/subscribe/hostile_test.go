package subscribe

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/watch/migrations"
)

// A mailbox that many addresses name, and a domain whose every address is one mailbox, are
// not filled by somebody who types them all.
func TestManyAddressesOfOneMailbox(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "watch", migrations.Files))
	for i := range 100 {
		w.ask(fmt.Sprintf("vic.tim+%d@x.test", i), "")
		w.ask("victim"[:1+i%5]+"."+"victim"[1+i%5:]+"@x.test", "")
	}
	if got := strings.Count(w.deliver(), "confirm"); got > perAddress {
		t.Errorf("%d mails", got)
	}
	w.at = w.at.Add(2 * time.Hour)
	for i := range 200 {
		w.ask(fmt.Sprintf("anybody%d@victim.test", i), "")
	}
	if got := strings.Count(w.deliver(), "confirm"); got > perDomain {
		t.Errorf("%d mails", got)
	}
}

// Visitors are counted one by one behind the proxy on our own machine.
func TestVisitorsBehindTheProxy(t *testing.T) {
	d := dbtest.SQLite(t, "watch", migrations.Files)
	if err := db.Migrate(t.Context(), d, "web", web.Migrations()); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, d)
	site := web.New(web.Needs{
		DB: d, Words: catalogue(t), Lang: "fr", URL: "https://chaton-a.test", Host: func(context.Context) web.Host { return web.Host{Name: "A"} },
		Now: func() time.Time { return w.at }, Log: slog.New(slog.DiscardHandler),
	})
	handler := site.Handler([]web.Pages{w.Pages(site)})
	post := func(from string, n int) int {
		form := url.Values{"hoster": {string(a)}, "service": {everything}, "address": {fmt.Sprintf("a%d@b%d.test", n, n)}}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, PathAsk, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-For", from)
		r.RemoteAddr = "127.0.0.1:9"
		out := httptest.NewRecorder()
		handler.ServeHTTP(out, r)
		return out.Code
	}
	for i := range perVisitor {
		if got := post("198.51.100.7", i); got != http.StatusSeeOther {
			t.Fatalf("request %d: %d", i, got)
		}
	}
	if got := post("203.0.113.1, 198.51.100.99", 50); got == http.StatusSeeOther {
		t.Error("one network has as many as it likes")
	}
	if got := post("203.0.113.7", 60); got != http.StatusSeeOther {
		t.Errorf("another one: %d", got)
	}
}
