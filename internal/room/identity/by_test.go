package identity

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/session"
)

// Who did something in the admin's half is an admin who is signed in, or who has the link of
// the command line. A role that ended while a page was on its way does not make somebody the
// hoster itself, who may do everything.
func TestWhoDidIt(t *testing.T) {
	r := open(t, time.Now())
	site := web.New(web.Needs{
		DB: dbtest.SQLite(t, "web", web.Migrations()), Words: catalogue(t), Lang: "en", URL: "http://127.0.0.1", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Host: func(context.Context) web.Host { return web.Host{Name: "Chaton A"} }, Entrance: &web.Entrance{
			SignIn: "/sign-in", Leave: r.leave, Admin: func(req *http.Request) (bool, error) { return req.Header.Get("As") == "account", nil },
		},
	})
	var by person.Person
	var err error
	handler := site.Handler([]web.Pages{{Routes: []web.Route{{Pattern: "GET /admin/x", Handler: http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		by, err = r.by(req)
	})}}}})
	made, failed := r.People.Add(t.Context(), person.Person{}, person.New{Handle: "ana"}, person.Admin)
	if failed != nil {
		t.Fatal(failed)
	}
	rec := httptest.NewRecorder()
	if _, failed = r.Sessions.Start(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), session.Login{Person: made.ID, AMR: []string{"pwd"}}); failed != nil {
		t.Fatal(failed)
	}
	ask := func(as string, cookies ...*http.Cookie) string {
		t.Helper()
		by, err = person.Person{}, errors.New("no page")
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/admin/x", nil)
		req.Header.Set("As", as)
		for _, c := range cookies {
			req.AddCookie(c)
		}
		handler.ServeHTTP(httptest.NewRecorder(), req)
		return string(by.ID) + " " + string(core.CodeOf(err))
	}
	own := rec.Result().Cookies()
	if got := ask("account", own...); got != string(made.ID)+" " {
		t.Error("an admin:", got)
	}
	if got := ask("account"); got != " denied" {
		t.Error("a session that ended meanwhile:", got)
	}
	if _, failed := r.People.Add(t.Context(), person.Person{}, person.New{Handle: "bob"}, person.Admin); failed != nil {
		t.Fatal(failed)
	}
	if _, failed = db.Exec(t.Context(), r.DB, `UPDATE identity_person SET roles = '' WHERE id = $1`, string(made.ID)); failed != nil {
		t.Fatal(failed)
	}
	if got := ask("account", own...); got != " denied" {
		t.Error("a role that ended meanwhile:", got)
	}
	link, _, failed := web.NewLink(t.Context(), site.DB, "http://127.0.0.1", core.At(time.Now()))
	if failed != nil {
		t.Fatal(failed)
	}
	token := link[strings.Index(link, "token=")+6:]
	post := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/admin/sign-in", strings.NewReader("token="+token))
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec = httptest.NewRecorder()
	handler.ServeHTTP(rec, post)
	if got := ask("", rec.Result().Cookies()...); got != " " {
		t.Error("the link of the command line:", got)
	}
}

func catalogue(t *testing.T) *words.Catalogue {
	t.Helper()
	all, err := words.New(append(AllWords(), web.Words)...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
