package look_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"entrechat/internal/kit/db"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/look/looktest"
	"entrechat/internal/room/watch/target"
)

// A service that answers from a PostgreSQL is seen as its users see it when PostgreSQL
// hangs, is gone, and is back: by what its pages say, not by whether something answers.
func TestServiceOverPostgres(t *testing.T) {
	t.Parallel()
	store := looktest.NewPostgres(t)
	d, err := db.Open(t.Context(), store.URL())
	looktest.Must(t, err)
	t.Cleanup(func() { _ = d.Close() }) // its connections may be dead
	_, err = db.Exec(t.Context(), d, `CREATE TABLE pad (text TEXT NOT NULL)`)
	looktest.Must(t, err)
	_, err = db.Exec(t.Context(), d, `INSERT INTO pad (text) VALUES ('Bienvenue')`)
	looktest.Must(t, err)
	s := httptest.NewServer(padOver(d))
	t.Cleanup(s.Close)

	l := look.New(look.Needs{Private: true, Agent: "entrechat-test", Now: time.Now})
	at := func(path string, want look.Class) looktest.Case {
		return looktest.Is(target.Target{Kind: target.HTTP, Address: s.URL + path, Expect: target.Expect{Text: "Bienvenue"}}, want)
	}
	well := map[string]looktest.Case{
		"a page": at("/page", look.Fine), "with patience of its own": at("/patient", look.Fine), "that hides failures": at("/hides", look.Fine), "without the database": at("/static", look.Fine),
	}
	broken := func(page look.Class) map[string]looktest.Case {
		return map[string]looktest.Case{
			"a page": at("/page", page), "with patience of its own": at("/patient", look.HTTP5xx),
			// 200, and words that say it is broken.
			"that hides failures": at("/hides", look.Content),
			// What many have looked at: it says nothing of the service.
			"without the database": at("/static", look.Fine),
		}
	}
	looktest.All(t, l, well)
	store.Hang()
	looktest.All(t, l, broken(look.Timeout))
	store.Wake()
	until(t, func() bool { return serves(t, l, s.URL) })
	looktest.All(t, l, well)
	store.End()
	looktest.All(t, l, broken(look.HTTP5xx))
	store.Run(t)
	until(t, func() bool { return serves(t, l, s.URL) })
	looktest.All(t, l, well)
}

// serves says whether the page answers from the database again.
func serves(t *testing.T, l *look.Looker, url string) bool {
	r := l.Look(t.Context(), target.Target{Kind: target.HTTP, Address: url + "/page", Expect: target.Expect{Text: "Bienvenue"}})
	return r.Class == look.Fine
}

func until(t *testing.T, ok func() bool) {
	t.Helper()
	for range 100 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("it is not back after a hundred looks")
}

// padOver is a small service over a database, in the ways in which services fail.
func padOver(d *db.DB) http.Handler {
	read := func(r *http.Request) (string, error) {
		return db.One(r.Context(), d, db.Text, `SELECT text FROM pad`)
	}
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, r *http.Request) {
		text, err := read(r)
		if err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(text))
	}
	mux.HandleFunc("/page", page)
	mux.Handle("/patient", http.TimeoutHandler(http.HandlerFunc(page), 500*time.Millisecond, "too late"))
	mux.HandleFunc("/hides", func(w http.ResponseWriter, r *http.Request) {
		found := make(chan error, 1)
		var text string
		go func() {
			var err error
			text, err = read(r)
			found <- err
		}()
		err := errors.New("too late")
		select {
		case err = <-found:
		case <-time.After(500 * time.Millisecond):
		}
		if err != nil {
			text = "<h1>Error establishing a database connection</h1>"
		}
		_, _ = w.Write([]byte(text))
	})
	mux.HandleFunc("/static", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("Bienvenue")) })
	return mux
}
