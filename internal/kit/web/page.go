package web

import (
	"errors"
	"html/template"
	"io/fs"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

// Page is a page whose template was proved against its type T in both languages:
// no name in it can be missing when somebody asks for it.
type Page[T any] struct {
	site      *Site
	templates localized[view[T]]
	script    *Script
}

// view is what the frame gets.
type view[T any] struct {
	Frame frame
	Page  T
}

// NewPage reads a page from one file, or several, which define "title" and "main"
// (and may define "head"), each called with a T. It panics when they do not fit T,
// like template.Must: pages are part of the program.
func NewPage[T any](s *Site, fsys fs.FS, files ...string) *Page[T] {
	return &Page[T]{site: s, templates: newLocalized[view[T]](s, fsys, files, "frame.html", "frame.html", "parts.html")}
}

// Show answers GET with what read says. An error becomes a page that tells it.
func (p *Page[T]) Show(read func(r *http.Request) (T, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := read(r)
		if err != nil {
			p.site.Fail(w, r, err)
			return
		}
		p.write(w, r, http.StatusOK, data)
	})
}

// Form answers GET like Show, and POST by doing what do says and going on to the
// address it returns. When do finds the input wrong (CodeInvalid, CodeConflict,
// CodeFull) the page is shown again with its sentence on top; read finds what was
// typed in r.PostForm. The route's pattern names no method.
func (p *Page[T]) Form(read func(r *http.Request) (T, error), do func(r *http.Request) (next string, err error)) http.Handler {
	return p.Act(read, func(_ http.ResponseWriter, r *http.Request) (string, error) { return do(r) })
}

// Act is like Form for what also sets cookies.
func (p *Page[T]) Act(read func(r *http.Request) (T, error), do func(w http.ResponseWriter, r *http.Request) (next string, err error)) http.Handler {
	return p.form(read, func(w http.ResponseWriter, r *http.Request) error {
		next, err := do(w, r)
		if err == nil {
			http.Redirect(w, r, next, http.StatusSeeOther)
		}
		return err
	})
}

// Reveal is like Form for what is shown only once, as a token: POST answers with what do
// makes instead of going on, so that it stands in no address, and no browser stores it.
func (p *Page[T]) Reveal(read, do func(r *http.Request) (T, error)) http.Handler {
	return NoStore(p.form(read, func(w http.ResponseWriter, r *http.Request) error {
		data, err := do(r)
		if err == nil {
			p.write(w, r, http.StatusOK, data)
		}
		return err
	}))
}

// Answer answers POST with the page that do makes, as one step of several; do may set cookies.
// What is wrong is told by a page of its own.
func (p *Page[T]) Answer(do func(w http.ResponseWriter, r *http.Request) (T, error)) http.Handler {
	return NoStore(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := parseForm(r)
		var data T
		if err == nil {
			data, err = do(w, r)
		}
		if err != nil {
			p.site.Fail(w, r, err)
			return
		}
		p.write(w, r, http.StatusOK, data)
	}))
}

// NoStore forbids browsers to store what a page shows.
func NoStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// form answers GET with the page, and POST with do, or with the page again and what is
// wrong about it.
func (p *Page[T]) form(read func(r *http.Request) (T, error), do func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	show := p.Show(read)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			show.ServeHTTP(w, r)
			return
		case http.MethodPost:
		default:
			w.Header().Set("Allow", "GET, HEAD, POST")
			p.site.Fail(w, r, core.Invalid("web.bad_method", errors.New(r.Method)))
			return
		}
		err := parseForm(r)
		if err == nil {
			err = do(w, r)
		}
		switch core.CodeOf(err) {
		case "":
		case core.CodeInvalid, core.CodeConflict, core.CodeFull:
			p.again(w, r, read, err)
		default:
			p.site.Fail(w, r, err)
		}
	})
}

// again shows the form with what is wrong about it.
func (p *Page[T]) again(w http.ResponseWriter, r *http.Request, read func(r *http.Request) (T, error), problem error) {
	data, err := read(r)
	if err != nil {
		p.site.Fail(w, r, err)
		return
	}
	printer := p.site.Printer(r)
	frame := p.site.frame(r, printer)
	frame.Problem = printer.Error(problem)
	p.send(w, r, core.CodeOf(problem).HTTPStatus(), view[T]{frame, data})
}

func parseForm(r *http.Request) error {
	err := r.ParseForm()
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return core.Invalid("web.too_big", err)
	}
	if core.CodeOf(err) == core.CodeUnsure {
		return err // it came too slowly
	}
	if err != nil {
		return core.Invalid("web.bad_form", err)
	}
	return nil
}

func (p *Page[T]) write(w http.ResponseWriter, r *http.Request, status int, data T) {
	p.send(w, r, status, view[T]{p.site.frame(r, p.site.Printer(r)), data})
}

func (p *Page[T]) send(w http.ResponseWriter, r *http.Request, status int, v view[T]) {
	if p.script != nil {
		v.Frame.Script = p.script.path
	}
	page, err := p.templates.fill(v.Frame.Lang, v)
	if err != nil {
		p.site.broken(w, r, err)
		return
	}
	h := w.Header()
	if p.script != nil {
		h.Set("Content-Security-Policy", p.script.policy(p.site))
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Frame.Lang)
	h.Add("Vary", "Accept-Language, Cookie")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache")
	}
	w.WriteHeader(status)
	w.Write(page)
}

// Panel is a section that one room shows on a page of another: the home page,
// the admin's overview.
type Panel func(r *http.Request, p *words.Printer) (template.HTML, error)

// NewPanel reads a section from one file, which defines "panel", called with a T.
// It panics as NewPage does. ok = false leaves the section out.
func NewPanel[T any](s *Site, fsys fs.FS, file string, read func(r *http.Request) (data T, ok bool, err error)) Panel {
	templates := newLocalized[T](s, fsys, []string{file}, "panel", "parts.html")
	return func(r *http.Request, p *words.Printer) (template.HTML, error) {
		data, ok, err := read(r)
		if err != nil || !ok {
			return "", err
		}
		section, err := templates.fill(p.Lang, data)
		return template.HTML(section), err //nolint:gosec // a template of ours wrote it
	}
}

// Render shows panels one below the other. One that fails is logged and says so
// in its place: the rest of the page is still worth reading.
func (s *Site) Render(r *http.Request, panels []Panel) []template.HTML {
	p := s.Printer(r)
	out := make([]template.HTML, 0, len(panels))
	for _, panel := range panels {
		section, err := panel(r, p)
		if err != nil {
			s.Log.Error("a section of a page failed", "page", asked(r), "error", err)
			section = template.HTML(`<p class="note trouble">` + template.HTMLEscapeString(s.sentence(r, err)) + `</p>`) //nolint:gosec // escaped
		}
		if section != "" {
			out = append(out, section)
		}
	}
	return out
}
