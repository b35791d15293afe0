package web

import (
	"net/http"

	"entrechat/internal/kit/static"
	"entrechat/internal/kit/words"
)

// Answer sends a file that anybody may read, from any site: what write makes in the reader's
// language, or the page of its error. kind and cache are as static.Serve takes them. Nobody is
// recognised there: it sets no cookie. Headers that write sets stay.
func (s *Site) Answer(w http.ResponseWriter, r *http.Request, kind, cache string, write func(p *words.Printer) ([]byte, error)) {
	h, p := w.Header(), s.Printer(r)
	h.Del("Set-Cookie")
	data, err := write(p)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	h.Set("Vary", "Accept-Language, Cookie") // without ?lang= they name the language
	h.Set("Content-Language", p.Lang)
	h.Set("Access-Control-Allow-Origin", "*")
	static.Serve(w, r, kind, cache, data)
}
