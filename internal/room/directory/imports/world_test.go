package imports_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/imports"
	"entrechat/internal/room/directory/migrations"
)

// world is an importer, and a web server whose pages a test sets. A page is a text,
// or a handler of its own. "BASE" in a text is the server's address.
type world struct {
	*imports.Importer
	t     testing.TB
	url   string
	store *catalogue.Store
	now   time.Time

	mu    sync.Mutex
	pages map[string]any
	asked map[string]int
	sent  int // bodies that were not "unchanged"
}

func limits() imports.Limits {
	l := imports.Usual()
	l.Pause, l.Patience, l.PerHost = 0, 10*time.Second, 8
	return l
}

func newWorld(t testing.TB, d *db.DB, l imports.Limits) *world {
	t.Helper()
	w := &world{
		t: t, pages: map[string]any{}, asked: map[string]int{}, now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		store: catalogue.New(d),
	}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.url = server.URL
	log := slog.New(slog.DiscardHandler)
	visitor := peer.NewVisitor(peer.Needs{Private: true, Now: time.Now, Log: log})
	t.Cleanup(visitor.CloseIdle)
	w.Importer = imports.New(imports.Needs{
		DB: d, Fetch: visitor, Catalogue: w.store, Limits: l, Now: func() time.Time { return w.now }, Log: log,
	})
	return w
}

func sqlite(t testing.TB) *world {
	return newWorld(t, dbtest.SQLite(t, "directory", migrations.Files), limits())
}

func (w *world) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	page, there := w.pages[r.URL.Path]
	w.asked[r.URL.Path]++
	w.mu.Unlock()
	switch page := page.(type) {
	case http.HandlerFunc:
		page(out, r)
	case string:
		text := strings.ReplaceAll(page, "BASE", w.url)
		mark := fmt.Sprintf(`"%d"`, len(text))
		if out.Header().Set("ETag", mark); r.Header.Get("If-None-Match") == mark {
			out.WriteHeader(http.StatusNotModified)
			return
		}
		w.mu.Lock()
		w.sent++
		w.mu.Unlock()
		fmt.Fprint(out, text)
	default:
		if !there {
			http.NotFound(out, r)
		}
	}
}

func (w *world) set(path string, page any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if page == nil {
		delete(w.pages, path)
		return
	}
	w.pages[path] = page
}

// times says how often a page was asked for since the last question.
func (w *world) times(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.asked[path]
	w.asked[path] = 0
	return n
}

func (w *world) follow(path string) imports.Report {
	w.t.Helper()
	r, err := w.Import(w.t.Context(), w.url+path)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// broken is what a report says of a path: "line key", empty for nothing.
func (w *world) broken(r imports.Report, path string) string {
	for _, b := range r.Broken {
		if b.URL == w.url+path {
			return fmt.Sprintf("%d %s", b.Trouble.Line, b.Trouble.Key)
		}
	}
	return ""
}

func (w *world) file(path string) imports.Listed {
	w.t.Helper()
	all, err := w.Files(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range all {
		if f.URL == w.url+path {
			return f
		}
	}
	return imports.Listed{}
}

func (w *world) text(path string) string {
	text, _ := w.Text(w.t.Context(), w.url+path)
	return string(text)
}

// hoster is the catalogue's listing of a path; the zero value when there is none.
func (w *world) hoster(path string) catalogue.Hoster {
	h, _ := w.listings(path)
	return h
}

// services are the listings of a hoster's services by name.
func (w *world) services(path string) map[string]catalogue.Service {
	_, all := w.listings(path)
	return all
}

func (w *world) listings(path string) (catalogue.Hoster, map[string]catalogue.Service) {
	w.t.Helper()
	h, all, err := w.store.Hoster(context.WithoutCancel(w.t.Context()), w.url+path)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		w.t.Fatal(err)
	}
	by := map[string]catalogue.Service{}
	for _, s := range all {
		by[s.Slug] = s
	}
	return h, by
}

// count is how many hosters are listed and how many services a search finds.
func (w *world) count() (hosters, services int) {
	w.t.Helper()
	h, err := w.store.Hosters(w.t.Context(), catalogue.HosterQuery{})
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := w.store.Find(w.t.Context(), catalogue.Query{})
	if err != nil {
		w.t.Fatal(err)
	}
	return h.Total, s.Total
}

func federation(subs ...string) string {
	return "file.class = Federation\nfederation.name = The Litter\n" + list(subs)
}

func organization(name string, subs ...string) string {
	return "# by hand\r\nfile.class = Organization\r\norganization.name = " + name + "\r\nx-own = kept\r\n" + list(subs)
}

func service(name string) string {
	return "file.class = Service\nservice.name = " + name + "\nsoftware.name = Etherpad\n"
}

func list(paths []string) string {
	var out strings.Builder
	for i, path := range paths {
		fmt.Fprintf(&out, "subs.s%d = BASE%s\n", i, path)
	}
	return out.String()
}
