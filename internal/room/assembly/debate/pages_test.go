package debate

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

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/web"
)

// visitor is a browser without scripts, in front of the pages of one hoster.
type visitor struct {
	*world
	url   string
	admin bool
	home  []web.Panel
	site  *web.Site
}

func (w *world) visit(n *node) *visitor {
	w.t.Helper()
	v := &visitor{world: w, admin: true}
	w.ok(db.Migrate(w.t.Context(), n.n.DB, "web", web.Migrations()))
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	w.t.Cleanup(server.Close)
	v.url = server.URL
	v.site = web.New(web.Needs{
		DB: n.n.DB, Words: catalogue(w.t), Lang: "en", URL: server.URL, Host: func(context.Context) web.Host { return web.Host{Name: "Chaton A"} },
		Entrance: &web.Entrance{
			SignIn: "/sign-in", Admin: func(*http.Request) (bool, error) { return v.admin, nil }, Leave: func(http.ResponseWriter, *http.Request) error { return nil },
		},
		Now: func() time.Time { return w.at }, Log: slog.New(slog.DiscardHandler),
	})
	pages := n.Pages(v.site, "/admin/decisions/new")
	v.home = pages.Home
	handler = v.site.Handler([]web.Pages{pages})
	return v
}

// do sends a request and answers the page, or where it leads.
func (v *visitor) do(method, path string, status int, form url.Values) (text, next string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(form.Encode()))
	v.ok(err)
	req.Header.Set("Accept-Language", "en")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	v.ok(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	v.ok(err)
	if res.StatusCode != status || strings.Contains(string(body), "⟦") || strings.Contains(string(body), "<script") || len(body) > 15<<10 {
		v.t.Fatalf("%s %s: %d, want %d; %d bytes\n%s", method, path, res.StatusCode, status, len(body), body)
	}
	return string(body), res.Header.Get("Location")
}

func (v *visitor) says(path string, wants ...string) {
	v.t.Helper()
	page, _ := v.do(http.MethodGet, path, http.StatusOK, nil)
	for _, want := range wants {
		if missing, ok := strings.CutPrefix(want, "!"); ok == strings.Contains(page, strings.TrimPrefix(want, "!")) {
			v.t.Errorf("%s: %q (must not be: %v)\n%s", path, missing, ok, page)
		}
	}
}

// A debate by pages alone, on both sides; what is late stands on the home page.
func TestADebateByPages(t *testing.T) {
	w := newWorld(t, sqlite(t), "chaton-a.test", "chaton-b.test")
	a, b := w.nodes["chaton-a.test"], w.nodes["chaton-b.test"]
	from := core.At(w.at.Add(-2 * time.Hour))
	for range 60 { // more than a form has room for
		a.outs = append(a.outs, outage{incidentID("long"), []string{strings.Repeat("Pad ", 30)}, from, from.Add(61 * time.Minute), 61 * time.Minute})
	}
	va, vb := w.visit(a), w.visit(b)
	va.says(Path, "No debate is public")
	va.do(http.MethodGet, pathNew, http.StatusOK, nil)
	_, own := va.do(http.MethodPost, pathNew, http.StatusSeeOther, url.Values{"reason": {"downtime"}, "incident": {incidentID("long")}})
	va.do(http.MethodPost, pathNew, http.StatusConflict, url.Values{"reason": {"downtime"}, "incident": {incidentID("long")}})
	va.says(own, "Text is missing", "down 61 min in all")
	id := strings.TrimPrefix(own, pathOwn)
	va.do(http.MethodGet, Path+"/"+id, http.StatusNotFound, nil)
	texts := url.Values{"title": {"The pad was down"}, "what": {"Call 06 12 34 56 78"}, "question": {"How do you notice?"}}
	page, _ := va.do(http.MethodPost, own+"/text", http.StatusBadRequest, texts)
	if !strings.Contains(page, "telephone number") || !strings.Contains(page, "How do you notice?") {
		t.Errorf("it is not said, or what was typed is lost: %s", page)
	}
	texts.Set("what", "The <b>disk</b> was **full**.")
	va.do(http.MethodPost, own+"/text", http.StatusSeeOther, texts)
	va.do(http.MethodPost, own, http.StatusConflict, url.Values{"do": {"publish"}})
	va.do(http.MethodPost, own, http.StatusSeeOther, url.Values{"do": {"ask"}, "member": {"chaton-b.test"}})
	va.says(own, "chaton-b.test has still to read it")
	drafts, err := b.Drafts(t.Context())
	w.ok(err)
	vb.says(AdminPath, "The pad was down", "chaton-a.test")
	vb.says(pathDraft+drafts[0].ID, "<strong>full</strong>", "How do you notice?")
	vb.do(http.MethodPost, pathDraft+drafts[0].ID, http.StatusSeeOther, url.Values{"note": {"Clear."}})
	w.exchange()
	va.says(own, "Read by chaton-b.test: publish?", "Clear.")
	va.do(http.MethodPost, own+"/action", http.StatusBadRequest, url.Values{"what": {"Alert"}, "role": {""}, "due": {"2026-12-10"}})
	va.do(http.MethodPost, own+"/action", http.StatusSeeOther, url.Values{"what": {"Alert"}, "role": {"on duty"}, "due": {"2026-12-10"}})
	va.do(http.MethodPost, own, http.StatusSeeOther, url.Values{"do": {"publish"}})
	w.exchange()
	va.says(Path+"/"+id, "<strong>full</strong>", "!<b>disk", "Read before publication by somebody of chaton-b.test", "due 2026-12-10", "No answer yet")
	va.says(feedPath+"?lang=en", "How do you notice?", "The pad was down")
	d, err := a.Get(t.Context(), id)
	w.ok(err)
	va.says(Path+"/"+d.Doc, "The pad was down") // members know it by this name
	vb.says(AdminPath, "not answered by us")
	vb.do(http.MethodPost, pathTheir+d.Doc, http.StatusBadRequest, url.Values{"text": {"It was human error"}})
	vb.do(http.MethodPost, pathTheir+d.Doc, http.StatusSeeOther, url.Values{"text": {"A feed of the free space."}})
	w.exchange()
	va.says(own, "A feed of the free space.", "/admin/decisions/new?incident="+d.Doc)
	va.says(Path+"/"+id, "!A feed")
	d, err = a.Get(t.Context(), id)
	w.ok(err)
	remark := d.Remarks[0].ID
	va.do(http.MethodPost, own, http.StatusSeeOther, url.Values{"do": {"show"}, "remark": {remark}})
	va.do(http.MethodPost, own, http.StatusSeeOther, url.Values{"do": {"need"}, "remark": {remark}})
	va.says(Path+"/"+id, "A feed of the free space.")
	va.says(own+"/action?kind=runbook&remark="+remark, "Runbook: A feed of the free space.")
	va.do(http.MethodPost, own+"/action", http.StatusSeeOther, url.Values{"remark": {remark}, "what": {"Runbook: a feed"}, "role": {"on duty"}, "due": {"2027-01-31"}})
	va.says(own, "became an action")
	if len(a.needs) != 1 {
		t.Errorf("needs: %q", a.needs)
	}
	home := func() string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		return string(va.site.Render(r, va.home)[0])
	}
	if r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil); len(va.site.Render(r, va.home)) != 0 {
		t.Error("something is late before its day")
	}
	w.at = time.Date(2026, 12, 11, 1, 0, 0, 0, time.UTC)
	if got := home(); !strings.Contains(got, "Alert") || !strings.Contains(got, "late since 2026-12-10") || strings.Contains(got, "Runbook") {
		t.Errorf("the home page: %s", got)
	}
	va.says(Path, "late since 2026-12-10", "1 action late")
	va.do(http.MethodPost, own, http.StatusConflict, url.Values{"do": {"close"}})
	for _, action := range d.Actions {
		va.do(http.MethodPost, own, http.StatusSeeOther, url.Values{"do": {"done"}, "action": {action.ID}, "link": {"https://chaton-a.test/alert"}})
	}
	va.says(Path, "!late since")
	// The question is taken down: nothing of it is left at either, the actions stay.
	va.do(http.MethodPost, own, http.StatusSeeOther, url.Values{"do": {"withdraw"}})
	w.exchange()
	va.says(Path+"/"+id, "This text was taken down", "Alert", "!How do you notice")
	va.says(feedPath, "!How do you notice")
	vb.do(http.MethodGet, pathTheir+d.Doc, http.StatusNotFound, nil)
	va.admin = false
	for _, path := range []string{AdminPath, own, own + "/text"} {
		va.do(http.MethodGet, path, http.StatusSeeOther, nil) // to the page to sign in
	}
}

// A draft that nobody wants is dropped, and not proposed again.
func TestDropped(t *testing.T) {
	w := newWorld(t, sqlite(t), "chaton-a.test")
	a, c := w.nodes["chaton-a.test"], t.Context()
	from := core.At(w.at.Add(-2 * time.Hour))
	a.outs = []outage{{incidentID("long"), nil, from, from.Add(2 * time.Hour), 2 * time.Hour}}
	w.ok(a.Propose(c))
	list, err := a.List(c, []State{Draft}, 10, 0)
	w.ok(err)
	v := w.visit(a)
	v.says(pathOwn+list[0].ID, "all services")
	v.do(http.MethodPost, pathOwn+list[0].ID, http.StatusSeeOther, url.Values{"do": {"drop"}})
	w.ok(a.Propose(c))
	if list, err = a.List(c, []State{Draft}, 10, 0); err != nil || len(list) != 0 {
		t.Errorf("proposed again: %+v, %v", list, err)
	}
}
