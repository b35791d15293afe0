package record

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/markdown"
	"entrechat/internal/kit/words"
)

//go:embed pages/*.html pages/*.css
var pages embed.FS

// Writer writes records. Safe for concurrent use; use New.
type Writer struct {
	md        *markdown.Writer
	style     template.CSS
	printers  map[string]*words.Printer
	templates map[string]*template.Template
}

// New reads the templates. It panics when one of them is wrong, like template.Must: they are
// part of the program.
func New(c *words.Catalogue) *Writer {
	style, err := pages.ReadFile("pages/minutes.css")
	if err != nil {
		panic(err)
	}
	w := &Writer{md: markdown.New(), style: template.CSS(style), printers: map[string]*words.Printer{}, templates: map[string]*template.Template{}} //nolint:gosec // a file of ours
	for _, lang := range []string{words.French, words.English} {
		p := c.Printer(lang)
		funcs := template.FuncMap{"t": func(key string, places ...any) string { return say(p, key, places) }, "stamp": stamp}
		w.printers[lang], w.templates[lang] = p, template.Must(template.New("").Funcs(funcs).ParseFS(pages, "pages/*.html"))
	}
	return w
}

func say(p *words.Printer, key string, places []any) string {
	filled := args{}
	for i := 0; i+1 < len(places); i += 2 {
		if name, ok := places[i].(string); ok {
			filled[name] = places[i+1]
		}
	}
	return p.T(key, filled)
}

func stamp(m core.Moment) string { return m.Time().Format("2006-01-02T15:04:05Z") }

// printer is that of a language; any but English is French.
func (w *Writer) printer(lang string) *words.Printer {
	if p, ok := w.printers[lang]; ok {
		return p
	}
	return w.printers[words.French]
}

func (w *Writer) fill(p *words.Printer, name string, data any) (template.HTML, error) {
	var out strings.Builder
	if err := w.templates[p.Lang].ExecuteTemplate(&out, name, data); err != nil {
		return "", fmt.Errorf("a record's %s: %w", name, err)
	}
	return template.HTML(out.String()), nil //nolint:gosec // a template of ours wrote it
}

// Article is the decision as a part of a page that has its title as main heading.
func (w *Writer) Article(r Record, lang string, now core.Moment) (template.HTML, error) {
	p := w.printer(lang)
	v, err := w.view(&r, p, now)
	if err != nil {
		return "", err
	}
	return w.fill(p, "article", v)
}

// Minutes are the decision as an HTML file of its own, to be opened, printed or kept anywhere:
// it has no script and loads nothing.
func (w *Writer) Minutes(r Record, lang string, now core.Moment) ([]byte, error) {
	p := w.printer(lang)
	v, err := w.view(&r, p, now)
	if err != nil {
		return nil, err
	}
	v.Style = w.style
	out, err := w.fill(p, "minutes", v)
	return []byte(out), err
}

// Policy is the Content-Security-Policy of Minutes: its one style, and nothing else.
func (w *Writer) Policy() string {
	sum := sha256.Sum256([]byte(w.style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; frame-ancestors 'none'; base-uri 'none'"
}
