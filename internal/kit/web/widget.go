package web

import (
	"io/fs"
	"net/http"
	"strings"
)

// widget is what the frame of a widget gets.
type widget[T any] struct {
	Lang, Style string
	Page        T
}

// Widget makes a small page, without menu, that other sites may show in an
// <iframe>. It is read from one file, which defines "title" and "main", each called
// with a T; NewPage says more. Nobody is recognised there: it neither reads nor sets
// a cookie.
func Widget[T any](s *Site, fsys fs.FS, file string, read func(r *http.Request) (T, error)) http.Handler {
	templates := newLocalized[widget[T]](s, fsys, []string{file}, "widget.html", "widget.html", "parts.html")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Cookie")
		h := w.Header()
		h.Del("Set-Cookie")
		data, err := read(r)
		if err != nil {
			s.Fail(w, r, err)
			return
		}
		lang := s.lang(r)
		page, err := templates.fill(lang, widget[T]{lang, s.style.path, data})
		if err != nil {
			s.broken(w, r, err)
			return
		}
		h.Set("Content-Security-Policy", strings.Replace(policy, "frame-ancestors 'none'", "frame-ancestors *", 1))
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Language", lang)
		h.Set("Cache-Control", "public, max-age=300")
		h.Add("Vary", "Accept-Language")
		w.Write(page) //nolint:gosec // a template of ours wrote it
	})
}
