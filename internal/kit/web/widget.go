package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"

	"github.com/jba/templatecheck"
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
func Widget[T any](f *Face, fsys fs.FS, file string, read func(r *http.Request) (T, error)) http.Handler {
	langs := map[string]*templatecheck.CheckedTemplate[widget[T]]{}
	for lang, printer := range f.printers {
		t := template.Must(template.New("widget.html").Funcs(f.funcs(printer)).ParseFS(pages, "pages/widget.html", "pages/parts.html"))
		t = template.Must(t.ParseFS(fsys, file))
		checked, err := templatecheck.NewChecked[widget[T]](t)
		if err != nil {
			panic(fmt.Errorf("widget %s: %w", file, err))
		}
		langs[lang] = checked
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Cookie")
		h := w.Header()
		h.Del("Set-Cookie")
		data, err := read(r)
		if err != nil {
			f.Fail(w, r, err)
			return
		}
		lang := f.lang(r)
		var out bytes.Buffer
		if err := langs[lang].Execute(&out, widget[T]{lang, f.style.path, data}); err != nil {
			f.broken(w, r, err)
			return
		}
		h.Set("Content-Security-Policy", strings.Replace(policy, "frame-ancestors 'none'", "frame-ancestors *", 1))
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Language", lang)
		h.Set("Cache-Control", "public, max-age=300")
		h.Add("Vary", "Accept-Language")
		w.Write(out.Bytes())
	})
}
