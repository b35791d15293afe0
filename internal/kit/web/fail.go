package web

import (
	"crypto/rand"
	"errors"
	"net/http"

	"entrechat/internal/core"
)

// failure is the page that tells an error.
type failure struct {
	Title    string // words key
	Sentence string
	Ref      string // under which the log tells more; empty when it does not
}

// Fail tells the visitor an error, in their language and with its status. What
// went wrong on our side is in the log, under a reference the page shows; only an
// admin's page says more.
func (s *Site) Fail(w http.ResponseWriter, r *http.Request, err error) {
	code := core.CodeOf(err)
	page := failure{Title: "web.fail_" + string(code), Sentence: s.sentence(r, err)}
	if code == core.CodeInternal || code == core.CodeFull {
		page.Ref = rand.Text()[:8]
		s.Log.Error("page failed", "page", asked(r), "ref", page.Ref, "error", err)
	}
	s.fail.write(w, r, code.HTTPStatus(), page)
}

func (s *Site) sentence(r *http.Request, err error) string {
	p := s.Printer(r)
	if core.CodeOf(err) == core.CodeInternal && !signedIn(r) {
		return p.T("web.broken", nil)
	}
	return p.Error(err)
}

// asked names a page in the log: outside the admin's half by the pattern of its route alone,
// because an address may be a secret of whoever has it.
func asked(r *http.Request) string {
	if isAdmin(r.URL.Path) {
		return r.URL.Path
	}
	return r.Pattern
}

func (s *Site) notFound(w http.ResponseWriter, r *http.Request) {
	s.Fail(w, r, core.NotFound("web.no_page", errors.New("no such page")))
}

// broken answers when a page itself failed: whatever could fail again is left
// out.
func (s *Site) broken(w http.ResponseWriter, r *http.Request, err error) {
	ref := rand.Text()[:8]
	s.Log.Error("page broke", "page", asked(r), "ref", ref, "error", err)
	http.Error(w, s.Printer(r).T("web.broken", nil)+" ("+ref+")", http.StatusInternalServerError)
}

// Busy answers who got no place to be served in. It costs as little as an answer can:
// no template, no database.
func (s *Site) Busy(w http.ResponseWriter, r *http.Request, err error) {
	key, status := "web.busy", http.StatusServiceUnavailable
	var e *core.Error
	switch {
	case core.CodeOf(err) == core.CodeInvalid:
		key, status = "web.too_big", http.StatusRequestEntityTooLarge
	case errors.As(err, &e) && e.Key == "peer.slow_down":
		key, status = "web.too_many", http.StatusTooManyRequests
	}
	w.Header().Set("Content-Language", s.lang(r))
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, s.Printer(r).T(key, nil), status)
}
