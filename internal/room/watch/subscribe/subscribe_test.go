package subscribe

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/migrations"
)

const a = core.MemberID("chaton-a.test")

type world struct {
	*Service
	t    *testing.T
	mu   sync.Mutex
	at   time.Time
	sent []letter
	fail error
}

type letter struct {
	to contact.Channel
	m  channel.Message
}

func (w *world) Send(_ context.Context, to contact.Channel, m channel.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return w.fail
	}
	w.sent = append(w.sent, letter{to, m})
	return nil
}

func (w *world) Hoster(_ context.Context, id core.MemberID) (string, []string, bool, error) {
	return "Chaton A\r\nBcc: eve@evil.test", []string{"Pad", "Mail"}, id == a, nil
}

func catalogue(t *testing.T) *words.Catalogue {
	t.Helper()
	c, err := words.New(Words, words.Words, web.Words)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newWorld(t *testing.T, d *db.DB) *world {
	w := &world{t: t, at: time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC)}
	seed := sha256.Sum256([]byte("a"))
	w.Service = New(Needs{
		DB: d, Signer: seal.NewSigner(a, ed25519.NewKeyFromSeed(seed[:])), Hosters: w, Sender: w, Words: catalogue(t), URL: "https://chaton-a.test",
		Topics: []contact.Channel{{ID: "public", Kind: contact.Ntfy, Address: "https://ntfy.test/chaton-a"}},
		Now:    func() time.Time { return w.at }, Log: slog.New(slog.DiscardHandler),
	})
	return w
}

func (w *world) ask(address, service string) {
	w.t.Helper()
	w.ok(w.Ask(w.t.Context(), Request{Hoster: a, Service: service, Address: address, Lang: "en"}))
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// deliver sends what is due and answers it: address and title.
func (w *world) deliver() string {
	w.t.Helper()
	w.sent = nil
	w.ok(w.Deliver(w.t.Context()))
	out := make([]string, 0, len(w.sent))
	for _, s := range w.sent {
		out = append(out, s.to.Address+" "+s.m.Kind)
	}
	return strings.Join(out, "|")
}

// parts are id and signature of a link.
func parts(link string) (id, sig string) {
	list := strings.Split(link, "/")
	return list[len(list)-2], list[len(list)-1]
}

// forged is a link, or its signature, with another signature in it.
func forged(link string) string {
	at, with := strings.LastIndex(link, "/")+1, "A"
	if link[at:at+1] == with {
		with = "B"
	}
	return link[:at] + with + link[at+1:]
}

func (w *world) event(id string, kind Kind, services ...string) {
	w.t.Helper()
	w.ok(w.Publish(w.t.Context(), Event{ID: id, Hoster: a, Kind: kind, Services: services, Note: "Nous cherchons.\r\n<script>\x00", Link: "https://chaton-a.test/status", At: core.At(w.at)}))
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) { fn(t, newWorld(t, d)) })
}

func TestInAndOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.ask("Ana@Elsewhere.test", "")
		if got := w.deliver(); got != "ana@elsewhere.test confirm" {
			t.Fatal(got)
		}
		id, sig := parts(w.sent[0].m.Link)
		w.event("e0", Opened, "Pad")
		if got := w.deliver(); got != "https://ntfy.test/chaton-a opened" {
			t.Errorf("before the confirmation: %s", got)
		}
		if err := w.Confirm(ctx, id, forged(sig)); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("a forged link: %v", err)
		}
		if err := w.Out(ctx, id, sig); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("a confirmation's link that leaves: %v", err)
		}
		w.ok(w.Confirm(ctx, id, sig))
		w.ok(w.Confirm(ctx, id, sig))
		// One address with two subscriptions gets one mail.
		w.ask("ana@elsewhere.test", "Pad")
		w.deliver()
		id2, sig2 := parts(w.sent[0].m.Link)
		w.ok(w.Confirm(ctx, id2, sig2))
		w.event("e1", Opened, "Pad")
		w.event("e1", Opened, "Pad")
		if got := w.deliver(); strings.Count(got, "ana@elsewhere.test opened") != 1 {
			t.Errorf("one event: %s", got)
		}
		for _, s := range w.sent {
			if s.to.Kind == contact.Mail && (s.m.Out == "" || !strings.Contains(s.m.Text, s.m.Out) || strings.ContainsAny(s.m.Title, "\r\n") || strings.Contains(s.m.Text, "\x00")) {
				t.Errorf("%+v", s.m)
			}
		}
		if got := w.deliver(); got != "" {
			t.Errorf("again: %s", got)
		}
		for _, s := range []string{id, id2} {
			w.ok(w.Out(ctx, s, w.sign("out", s)))
			w.ok(w.Out(ctx, s, w.sign("out", s)))
		}
		w.event("e2", Closed, "Pad")
		if got := w.deliver(); got != "https://ntfy.test/chaton-a closed" {
			t.Errorf("after leaving: %s", got)
		}
		if n, err := db.One(ctx, w.n.DB, db.Int64, `SELECT count(*) FROM watch_subscriber_mail WHERE address <> ''`); err != nil || n != 0 {
			t.Errorf("%d mails with an address are left (%v)", n, err)
		}
	})
}

func TestServiceChosen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for address, service := range map[string]string{"pad@x.test": "Pad", "mail@x.test": "Mail", "all@x.test": ""} {
			w.ask(address, service)
		}
		w.deliver()
		for _, s := range w.sent {
			id, sig := parts(s.m.Link)
			w.ok(w.Confirm(t.Context(), id, sig))
		}
		w.event("e1", Maintenance, "Mail")
		got := w.deliver()
		if !strings.Contains(got, "mail@x.test") || !strings.Contains(got, "all@x.test") || strings.Contains(got, "pad@x.test") {
			t.Error(got)
		}
		w.event("e2", Opened)
		if got := w.deliver(); strings.Contains(got, "pad@x.test") || !strings.Contains(got, "all@x.test") {
			t.Errorf("the whole hoster: %s", got)
		}
	})
}

// TestNobodyLearnsWhoIsSubscribed: the answer is one, whatever stands of the address; and
// nobody's mailbox is filled by somebody else.
func TestNobodyLearnsWhoIsSubscribed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.ask("ana@x.test", "")
		w.deliver()
		id, sig := parts(w.sent[0].m.Link)
		w.ok(w.Confirm(t.Context(), id, sig))
		for range 20 {
			w.ask("ana@x.test", "")
			w.ask("bob@x.test", "")
			w.ask("bob@x.test", "Pad")
			w.at = w.at.Add(10 * time.Minute)
		}
		total := map[string]int{}
		w.sent = nil
		w.ok(w.Deliver(t.Context()))
		for _, s := range w.sent {
			total[s.to.Address]++
		}
		if total["ana@x.test"] != 1 || total["bob@x.test"] > perAddress || total["bob@x.test"] == 0 {
			t.Errorf("%v", total)
		}
	})
}

func TestTooOld(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.ask("ana@x.test", "")
		w.deliver()
		id, sig := parts(w.sent[0].m.Link)
		w.at = w.at.Add(49 * time.Hour)
		if err := w.Confirm(t.Context(), id, sig); core.CodeOf(err) != core.CodeNotFound {
			t.Error(err)
		}
		w.ok(w.Forget(t.Context()))
		if n, err := db.One(t.Context(), w.n.DB, db.Int64, `SELECT count(*) FROM watch_subscriber`); err != nil || n != 0 {
			t.Errorf("%d left (%v)", n, err)
		}
	})
}

func TestRefused(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "watch", migrations.Files))
	for _, r := range []Request{
		{Hoster: a, Address: "ana"},
		{Hoster: a, Address: "a@b.test\r\nBcc: e@e.test"},
		{Hoster: a, Address: "a@b.test,c@d.test"},
		{Hoster: a, Address: "<a@b.test>"},
		{Hoster: "other.test", Address: "a@b.test"},
		{Hoster: a, Service: "Wiki", Address: "a@b.test"},
	} {
		if w.Ask(t.Context(), r) == nil {
			t.Errorf("%+v was taken", r)
		}
	}
	refused := 0
	for i := range 20 {
		if w.Ask(t.Context(), Request{Hoster: a, Address: fmt.Sprintf("a%d@b.test", i), From: "192.0.2.0/24"}) != nil {
			refused++
		}
	}
	if refused != 20-perVisitor {
		t.Errorf("%d refused", refused)
	}
}

// TestFailing: a mail server that fails is asked again, and one that may have taken the
// mail twice is not.
func TestFailing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.ask("ana@x.test", "")
		w.fail = &channel.SendError{Why: "refused"}
		for range 5 {
			w.ok(w.Deliver(t.Context()))
			w.at = w.at.Add(time.Hour)
		}
		w.fail = nil
		if got := w.deliver(); got != "ana@x.test confirm" {
			t.Errorf("%q", got)
		}
		tries := 0
		w.n.Sender = senderFunc(func() error { tries++; return &channel.SendError{Why: "timeout", Unsure: true} })
		w.ask("bob@x.test", "")
		for range 20 {
			w.ok(w.Deliver(t.Context()))
			w.at = w.at.Add(time.Hour)
		}
		if tries != 2 {
			t.Errorf("%d tries that may have arrived", tries)
		}
	})
}

type senderFunc func() error

func (f senderFunc) Send(context.Context, contact.Channel, channel.Message) error { return f() }

func TestPages(t *testing.T) {
	d := dbtest.SQLite(t, "watch", migrations.Files)
	if err := db.Migrate(t.Context(), d, "web", web.Migrations()); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, d)
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	defer server.Close()
	site := web.New(web.Needs{
		DB: d, Words: catalogue(t), Lang: "fr", URL: server.URL, Host: func(context.Context) web.Host { return web.Host{Name: "A"} },
		Now: func() time.Time { return w.at }, Log: slog.New(slog.DiscardHandler),
	})
	handler = site.Handler([]web.Pages{w.Pages(site)})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	do := func(method, path string, status int, form url.Values) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(form.Encode()))
		w.ok(err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := client.Do(req)
		w.ok(err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		w.ok(err)
		if res.StatusCode != status || strings.Contains(string(text), "⟦") || strings.Contains(string(text), "<script>") {
			t.Fatalf("%s %s: %d, want %d\n%s", method, path, res.StatusCode, status, text)
		}
		return string(text) + res.Header.Get("Location")
	}
	do("GET", PathAsk, 200, nil)
	do("GET", PathAsk+"?hoster=chaton-a.test&service=Pad", 200, nil)
	do("GET", PathAsk+"?hoster=other.test", 404, nil)
	do("POST", PathAsk, 400, url.Values{"hoster": {"chaton-a.test"}, "address": {"<script>"}})
	next := do("POST", PathAsk, 303, url.Values{"hoster": {"chaton-a.test"}, "service": {everything}, "address": {"ana@x.test"}})
	if !strings.Contains(next, "asked=1") {
		t.Error(next)
	}
	do("GET", PathAsk+"?hoster=chaton-a.test&asked=1", 200, nil)
	w.deliver()
	confirm := strings.TrimPrefix(w.sent[0].m.Link, "https://chaton-a.test")
	do("GET", confirm, 200, nil)
	if n, _ := w.Count(t.Context(), a); n != 0 {
		t.Error("following the link confirmed")
	}
	do("POST", confirm, 200, nil)
	do("GET", forged(confirm), 403, nil)
	if n, _ := w.Count(t.Context(), a); n != 1 {
		t.Error("not confirmed")
	}
	w.event("e1", Opened)
	w.deliver()
	var out string
	for _, s := range w.sent {
		if s.m.Out != "" {
			out = strings.TrimPrefix(s.m.Out, "https://chaton-a.test")
		}
	}
	do("GET", out, 200, nil)
	if n, _ := w.Count(t.Context(), a); n != 1 {
		t.Error("following the link left")
	}
	do("POST", out, 200, url.Values{"List-Unsubscribe": {"One-Click"}}) // as RFC 8058 says: no cookie, no redirect
	if n, _ := w.Count(t.Context(), a); n != 0 {
		t.Error("one click did not leave")
	}
	do("POST", out, 200, nil)
	do("GET", out, 200, nil)
	do("GET", confirm, 200, nil)
}
