package web

import (
	"html/template"
	"io/fs"
)

// Part is a piece of a page that is made by itself, so that a room can keep what it looks
// like: it is proved against its type T as a page is.
type Part[T any] struct{ templates localized[T] }

// NewPart reads a part from one file, or several, which define "part", called with a T. It
// panics as NewPage does.
func NewPart[T any](s *Site, fsys fs.FS, files ...string) *Part[T] {
	return &Part[T]{newLocalized[T](s, fsys, files, "part", "parts.html")}
}

// Fill writes the part in a language.
func (p *Part[T]) Fill(lang string, data T) (template.HTML, error) {
	text, err := p.templates.fill(lang, data)
	return template.HTML(text), err //nolint:gosec // a template of ours wrote it
}
