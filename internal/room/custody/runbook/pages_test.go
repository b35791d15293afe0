package runbook

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

// office is the pages as an admin who is signed in sees them.
type office struct {
	*world
	handler http.Handler
}

func newOffice(t *testing.T) office {
	t.Helper()
	cat, err := words.New(web.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	site := web.New(web.Needs{
		DB: dbtest.SQLite(t, "web", web.Migrations()), Words: cat, Lang: "en", URL: "http://127.0.0.1", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Host: func(context.Context) web.Host { return web.Host{Name: "Chaton A", Origin: "chaton-a.test"} },
	})
	mux := http.NewServeMux() // without the guard of the site: who may see admins' pages is its own test
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	for _, r := range w.Pages(site).Routes {
		mux.Handle(r.Pattern, r.Handler)
	}
	return office{w, mux}
}

// do sends a request and says where it leads, or what it shows.
func (o office) do(method, path string, pairs ...string) (status int, next, body string) {
	o.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequestWithContext(o.t.Context(), method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	o.handler.ServeHTTP(rec, r)
	return rec.Code, rec.Header().Get("Location"), rec.Body.String()
}

// sees asks for a page and looks for texts, none of which may be missing; one that begins
// with ! may not be there.
func (o office) sees(path string, texts ...string) {
	o.t.Helper()
	status, _, body := o.do(http.MethodGet, path)
	if status != http.StatusOK || strings.Contains(body, "⟦") {
		o.t.Fatalf("%s: %d\n%s", path, status, body)
	}
	for _, want := range texts {
		without, not := strings.CutPrefix(want, "!")
		if strings.Contains(body, without) == not {
			o.t.Errorf("%s: %q\n%s", path, want, body)
		}
	}
}

func TestPagesOfARehearsal(t *testing.T) {
	o, r := newOffice(t), newRepository(t)
	o.sees(Path, "no runbook yet")
	o.sees(addPath)
	for _, bad := range []string{"", "/etc", "ext::sh", "https://127.0.0.1:9/x.git"} {
		if status, _, body := o.do(http.MethodPost, addPath, "address", bad); status != http.StatusBadRequest || !strings.Contains(body, "<form") {
			t.Errorf("%q: %d", bad, status)
		}
	}
	r.commit("Ana", "zone.md", "# Zone\n\n## Do <b>it</b>\n\n<script>alert(1)</script>\n\n    true\n")
	if _, err := o.Add(t.Context(), r.dir); err != nil {
		t.Fatal(err)
	}
	v, err := o.Find(t.Context(), "zone")
	if err != nil {
		t.Fatal(err)
	}
	o.sees(Path, "never rehearsed", "Runbooks rehearsed by an outsider: 0 of 1.")
	one := Path + "/" + string(v.ID)
	o.sees(one, "!<script>", "No heading says", "Do it", "Nobody has followed it yet")
	o.sees(one+"/rehearse", "!Ana</option><option>", "Bob")
	if status, _, _ := o.do(http.MethodPost, one+"/rehearse", "reader", "a1"); status != http.StatusForbidden {
		t.Errorf("the author: %d", status)
	}
	_, next, _ := o.do(http.MethodPost, one+"/rehearse", "reader", "b1", "scenario", "<i>gone")
	o.sees(next, "Step 1 of 1", "What stopped you", "!<script>")
	if status, _, _ := o.do(http.MethodPost, next, "do", "next", "number", "7"); status != http.StatusConflict {
		t.Errorf("another step: %d", status)
	}
	o.do(http.MethodPost, next, "do", "next", "number", "0")
	o.do(http.MethodPost, next, "do", "next", "number", "0", "defect", "twice")
	o.sees(next, "Is it done?")
	o.do(http.MethodPost, next, "do", "yes")
	o.sees(next, "the runbook is rehearsed")
	o.sees(one, "end reached", "Bob", "&lt;i&gt;gone")
	o.sees(Path, "1 of 1")
	if status, _, _ := o.do(http.MethodGet, Path+"/none"); status != http.StatusNotFound {
		t.Error(status)
	}
}

func TestPagesOfARolePlay(t *testing.T) {
	o := newOffice(t)
	o.sees(drillPath, "Draw a card", "No play was played yet")
	o.sees(drillPath+"?card=draw", "no card to draw")
	o.Cards = func(context.Context) ([]Card, error) {
		return []Card{{Member: "chaton-b.test", At: 1_700_000_000_000_000, What: "<b>a disk", Change: "two disks"}}, nil
	}
	o.sees(drillPath+"?card=draw", "chaton-b.test", "&lt;b&gt;a disk", "two disks", "Minutes it took")
	if status, _, body := o.do(http.MethodPost, drillPath, "minutes", "x", "defects", "nobody had the number"); status != http.StatusBadRequest || !strings.Contains(body, "1440") {
		t.Error(status)
	}
	if _, next, _ := o.do(http.MethodPost, drillPath, "minutes", "45", "defects", "nobody had the number\n\n"); next != drillPath {
		t.Error(next)
	}
	o.sees(drillPath, "45\u00a0min", "nobody had the number")
}
