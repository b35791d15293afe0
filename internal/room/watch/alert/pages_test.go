package alert

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/alert/delivery"
)

// browser is an admin of a node at a browser.
type browser struct {
	*http.Client
	t    *testing.T
	base string
}

func (n *node) browser() *browser {
	t := n.town.t
	t.Helper()
	jar, err := cookiejar.New(nil)
	ok(t, err)
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	site := web.New(web.Needs{
		DB: n.n.DB, Words: catalogue(t), Lang: words.English, URL: server.URL,
		Host: func(context.Context) web.Host { return web.Host{Name: string(n.id)} }, Now: n.town.clock, Log: slog.New(slog.DiscardHandler),
	})
	handler = site.Handler([]web.Pages{n.Pages(site)})
	d := &browser{&http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, t, server.URL}
	link, _, err := web.NewLink(t.Context(), n.n.DB, server.URL, core.At(n.town.clock()))
	ok(t, err)
	_, token, _ := strings.Cut(link, "token=")
	d.post("/admin/sign-in", http.StatusSeeOther, "token", token)
	return d
}

func (d *browser) ask(method, path string, status int, form url.Values) string {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.base+path, strings.NewReader(form.Encode()))
	ok(d.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := d.Do(req)
	ok(d.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	ok(d.t, err)
	if res.StatusCode != status {
		d.t.Fatalf("%s %s %v: status %d, want %d\n%s", method, path, form, res.StatusCode, status, text)
	}
	if strings.Contains(string(text), "⟦") {
		d.t.Errorf("%s shows a key:\n%s", path, text)
	}
	return string(text)
}

func (d *browser) get(path string) string {
	d.t.Helper()
	return d.ask(http.MethodGet, path, http.StatusOK, nil)
}

func (d *browser) post(path string, status int, fields ...string) string {
	d.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return d.ask(http.MethodPost, path, status, form)
}

func TestPages(t *testing.T) {
	tn := newTown(t, a)
	n := tn.nodes[a]
	d := n.browser()
	d.get(Path)
	d.post(Path+"/new", http.StatusBadRequest, "id", "a b", "name", "Ana", "lang", "fr", "kind", "webhook", "address", tn.hook)
	d.post(Path+"/new", http.StatusSeeOther, "id", "ana", "name", `<script>alert(1)</script>`, "lang", "fr", "zone", "Europe/Paris", "hours", "22:00-07:00",
		"kind", "webhook", "address", tn.hook, "token", "geheim")
	d.post(Path, http.StatusSeeOther, "do", "test", "person", "ana")
	tn.pass(2 * time.Second)
	if got := tn.kinds(); got != "test" {
		t.Errorf("test button: %q", got)
	}
	text := d.get(Path)
	for _, want := range []string{"worked", "22:00–07:00", "&lt;script&gt;"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	one := d.get(Path + "/people/ana")
	if strings.Contains(text+one, "geheim") || strings.Contains(text+one, "<script>") {
		t.Error("a token or a script on the page")
	}
	d.post(Path+"/people/ana", http.StatusSeeOther, "do", "add_channel", "kind", "mail", "address", "ana@elsewhere.test")
	d.post(Path+"/people/ana", http.StatusBadRequest, "do", "add_channel", "kind", "mail", "address", "ana@elsewhere.test\r\nBcc: eve@evil.test")
	d.post(Path+"/people/ana", http.StatusSeeOther, "do", "quiet", "hours", "23:00-06:00", "wake", "yes")
	d.post(Path+"/people/ana", http.StatusSeeOther, "do", "remove_channel", "channel", "mail")
	ok(t, n.Tell(t.Context(), delivery.Notice{Owner: a, Incident: "i", Kind: delivery.Down, Level: contact.Page, At: core.At(tn.clock()), Services: []string{"Pad <b>"}}))
	list, err := n.Recent(t.Context(), 0, 1)
	ok(t, err)
	if text := d.get(Path); !strings.Contains(text, "Down: Pad &lt;b&gt;") {
		t.Error(text)
	}
	d.post(Path, http.StatusSeeOther, "do", "ack", "key", list[0].Key)
	d.post(Path+"/people/ana", http.StatusSeeOther, "do", "remove", "sure", "yes")
	d.ask(http.MethodGet, Path+"/people/ana", http.StatusNotFound, nil)
}
