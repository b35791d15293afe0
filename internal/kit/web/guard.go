package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"entrechat/internal/core"
)

// maxForm is the longest form a browser may send, in bytes.
const maxForm = 1 << 20

// policy lets a page load our stylesheet and pictures and send forms to us, and
// nothing else: a text that slipped through as HTML could not call anybody.
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guard is what every request for a page goes through.
func (s *Site) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	if err := cross.AddTrustedOrigin(strings.TrimSuffix(s.URL, "/")); err != nil {
		// Only what Origin headers of our own pages would say is missing then;
		// Sec-Fetch-Site and the Host header still tell.
		s.Log.Warn("address is no origin", "url", s.URL, "error", err)
	}
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Fail(w, r, core.Denied("web.other_site", errors.New("cross-origin request")))
	}))
	inside := cross.Handler(s.onlyAdmins(next))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if isAdmin(r.URL.Path) {
			h.Set("Cache-Control", "no-store")
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		s.rememberLang(w, r)
		defer s.catch(w, r)
		inside.ServeHTTP(w, r)
	})
}

// catch turns a panic into a page.
func (s *Site) catch(w http.ResponseWriter, r *http.Request) {
	switch err := recover(); err {
	case nil:
	case http.ErrAbortHandler:
		panic(err)
	default:
		s.broken(w, r, fmt.Errorf("panic: %v", err))
	}
}
