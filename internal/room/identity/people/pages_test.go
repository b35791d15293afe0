package people_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/organisation"
	"entrechat/internal/room/identity/people"
	"entrechat/internal/room/identity/person"
)

// office is the admins' pages, as an admin who is signed in sees them.
type office struct {
	*testing.T
	*people.Service
	out     *out
	by      person.Person
	handler http.Handler
}

func newOffice(t *testing.T) *office {
	t.Helper()
	cat, err := words.New(web.Words, people.Words, person.Words, organisation.Words, audit.Words)
	if err != nil {
		t.Fatal(err)
	}
	w := &office{T: t}
	w.Service, w.out = world(dbtest.SQLite(t, "identity", migrations.Files))
	site := web.New(web.Needs{
		DB: dbtest.SQLite(t, "web", web.Migrations()), Words: cat, Lang: "en", URL: "http://127.0.0.1", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Host: func(context.Context) web.Host { return web.Host{Name: "Chaton A", Origin: "chaton-a.test"} },
	})
	mux := http.NewServeMux() // without the guard of the site: who may see admins' pages is its own test
	for _, r := range w.Pages(site, people.PageNeeds{
		By:    func(*http.Request) (person.Person, error) { return w.by, nil },
		Seen:  func(context.Context, person.ID) (core.Moment, error) { return 1_700_000_000_000_000, nil },
		Asked: func(context.Context, person.ID) (string, error) { return "let me <b>in", nil },
	}).Routes {
		mux.Handle(r.Pattern, r.Handler)
	}
	w.handler = mux
	return w
}

func (w *office) add(n person.New) person.Person {
	w.Helper()
	p, err := w.People.Create(w.Context(), n)
	if err != nil {
		w.Fatal(err)
	}
	return p
}

func (w *office) do(method, path string, pairs ...string) (status int, next, body string) {
	w.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequestWithContext(w.Context(), method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	text, err := io.ReadAll(rec.Body)
	if err != nil {
		w.Fatal(err)
	}
	if strings.Contains(string(text), "⟦") {
		w.Errorf("%s: a word is missing: %s", path, text)
	}
	return rec.Code, rec.Header().Get("Location"), string(text)
}

func (w *office) status(p person.Person) person.Status {
	w.Helper()
	p, err := w.People.Get(w.Context(), p.ID)
	if err != nil {
		w.Fatal(err)
	}
	return p.Status
}

func TestListOfAccounts(t *testing.T) {
	w := newOffice(t)
	w.add(person.New{Handle: "alice", Name: "Alice <i>", Mail: "alice@mail.test"})
	w.add(person.New{Handle: "bob"})
	eve := w.add(person.New{Handle: "eve", Status: person.Waiting})
	rex := w.add(person.New{Handle: "rex", Status: person.Waiting})
	visitor, err := person.CreateVisitor(t.Context(), w.DB, "vera", "chaton-b.test", 1)
	if err != nil {
		t.Fatal(err)
	}
	status, _, body := w.do(http.MethodGet, people.Path)
	for _, want := range []string{"Alice &lt;i&gt;", visitor.Handle, "let me &lt;b&gt;in", "2 people ask", people.Path + "/" + string(eve.ID) + "/close"} {
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%d: no %q in %s", status, want, body)
		}
	}
	for query, want := range map[string][]string{"?find=ALICE%40": {"alice"}, "?show=away": {visitor.Handle}, "?show=suspended": nil, "?find=%25": nil} {
		_, _, body := w.do(http.MethodGet, people.Path+query)
		_, table, _ := strings.Cut(body, "<tbody>")
		if got := strings.Count(table, `scope="row"`); got != len(want) || len(want) == 1 && !strings.Contains(table, want[0]) {
			t.Errorf("%s: %d rows: %s", query, got, table)
		}
	}
	if status, next, _ := w.do(http.MethodPost, people.Path, "person", string(eve.ID)); status != http.StatusSeeOther || next != people.Path || w.status(eve) != person.Active || len(w.out.told) != 1 {
		t.Error(status, next)
	}
	if status, _, _ := w.do(http.MethodPost, people.Path, "person", string(eve.ID)); status != http.StatusConflict {
		t.Error("accepted twice:", status)
	}
	refuse := people.Path + "/" + string(rex.ID) + "/close"
	if _, _, body := w.do(http.MethodGet, refuse); !strings.Contains(body, `value="refuse"`) {
		t.Error(body)
	}
	if status, _, _ := w.do(http.MethodPost, refuse, "do", "refuse"); status != http.StatusSeeOther || w.status(rex) != person.Closed {
		t.Error(status)
	}
	for query, want := range map[string]bool{"": false, "?show=here": false, "?show=closed": true} {
		if _, _, body := w.do(http.MethodGet, people.Path+query); strings.Contains(body, string(rex.ID)) != want {
			t.Errorf("%q shows who left: %v", query, !want)
		}
	}
	if status, _, _ := w.do(http.MethodPost, people.Path+"/"+string(eve.ID)+"/close", "do", "refuse"); status != http.StatusBadRequest || w.status(eve) != person.Active {
		t.Error("an account is closed as a request is refused:", status)
	}
}

func TestMoreAccountsThanAPage(t *testing.T) {
	w := newOffice(t)
	for i := range 51 {
		w.add(person.New{Handle: "p" + strings.Repeat("a", i/26+1) + string(rune('a'+i%26))})
	}
	_, _, body := w.do(http.MethodGet, people.Path)
	more := regexp.MustCompile(`href="(/admin/people\?[^"]+)"`).FindStringSubmatch(body)
	if strings.Count(body, `scope="row"`) != 50 || more == nil {
		t.Fatal(strings.Count(body, `scope="row"`), more)
	}
	if _, _, body := w.do(http.MethodGet, strings.ReplaceAll(more[1], "&amp;", "&")); strings.Count(body, `scope="row"`) != 1 {
		t.Error(body)
	}
}

func TestOneAccount(t *testing.T) {
	w := newOffice(t)
	w.by = w.add(person.New{Handle: "ana"})
	if _, err := w.SetRole(t.Context(), person.Person{}, w.by.ID, person.Admin, true); err != nil {
		t.Fatal(err)
	}
	w.by.Roles = []person.Role{person.Admin}
	status, _, body := w.do(http.MethodPost, people.Path+"/add", "handle", "zoe", "name", "Zoé", "lang", "fr")
	id := regexp.MustCompile(`/admin/people/([a-z2-7]{26})"`).FindStringSubmatch(body)
	if status != http.StatusOK || id == nil || !strings.Contains(body, "https://chaton-a.test/invite/"+id[1]) {
		t.Fatal(status, body)
	}
	at := people.Path + "/" + id[1]
	zoe := person.Person{ID: person.ID(id[1])}
	if status, _, body := w.do(http.MethodPost, people.Path+"/add", "handle", "zoe", "name", "Zoé <b>", "lang", "fr"); status != http.StatusConflict || !strings.Contains(body, `value="Zoé &lt;b&gt;"`) {
		t.Error("a second of one handle loses what was typed:", status, body)
	}
	if _, _, body := w.do(http.MethodGet, at); strings.Contains(body, "/invite/") {
		t.Error("the link is shown again")
	}
	if _, _, body := w.do(http.MethodPost, at, "do", "link"); !strings.Contains(body, "/invite/"+id[1]) {
		t.Error(body)
	}
	if _, _, body := w.do(http.MethodPost, at, "do", "suspend"); !strings.Contains(body, `value="resume"`) || w.status(zoe) != person.Suspended || len(w.out.ended) == 0 {
		t.Error(body)
	}
	if status, _, _ := w.do(http.MethodPost, at, "do", "link"); status != http.StatusConflict {
		t.Error("a link into a suspended account:", status)
	}
	w.do(http.MethodPost, at, "do", "resume")
	if status, next, _ := w.do(http.MethodPost, at+"/roles", "moderator", "yes"); status != http.StatusSeeOther || next != at {
		t.Error(status, next)
	}
	if p, err := w.People.Get(t.Context(), zoe.ID); err != nil || len(p.Roles) != 1 || p.Roles[0] != person.Moderator || p.Status != person.Active {
		t.Error(p, err)
	}
	if status, _, _ := w.do(http.MethodPost, people.Path+"/"+string(w.by.ID)+"/roles"); status != http.StatusConflict {
		t.Error("the last admin is none any more:", status)
	}
	if status, _, _ := w.do(http.MethodPost, at+"/close", "handle", "zo"); status != http.StatusBadRequest || w.status(zoe) != person.Active {
		t.Error(status)
	}
	if status, _, _ := w.do(http.MethodPost, at+"/close", "handle", "zoe"); status != http.StatusSeeOther || w.status(zoe) != person.Closed {
		t.Error(status)
	}
	for _, path := range []string{people.Path + "/nobody", at + "x"} {
		if status, _, _ := w.do(http.MethodGet, path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _, _ := w.do(http.MethodPost, at, "do", "reign"); status != http.StatusBadRequest {
		t.Error(status)
	}
}
