package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/jba/templatecheck"
)

// localized is a template in each language, proved against T when the node starts and
// read again when it is first asked for: few pages are looked at between two starts,
// and all of them together are a fifth of an idle node's heap.
type localized[T any] map[string]*inLanguage[T]

// inLanguage is one of them.
type inLanguage[T any] struct {
	template func() *templatecheck.CheckedTemplate[T]
	last     atomic.Int64 // bytes of what was written last
}

// newLocalized reads files of fsys below ours, of which the first is the root. It panics
// when they do not fit T, like template.Must: templates are part of the program.
func newLocalized[T any](s *Site, fsys fs.FS, files []string, root string, ours ...string) localized[T] {
	out := localized[T]{}
	for lang, printer := range s.printers {
		read := func() *templatecheck.CheckedTemplate[T] {
			t := template.Must(template.New(ours[0]).Funcs(s.funcs(printer)).ParseFS(own(), ours...))
			t = template.Must(t.ParseFS(fsys, files...)).Lookup(root)
			if t == nil {
				panic(fmt.Errorf("%v: there is no %q", files, root))
			}
			checked, err := proved[T](t)
			if err != nil {
				panic(fmt.Errorf("%v: %w", files, err))
			}
			return checked
		}
		read()
		out[lang] = &inLanguage[T]{template: sync.OnceValue(read)}
	}
	return out
}

// proved checks a template against its type and takes it over. What is executed is
// a copy, whose nodes all point to the tree they were copied from: emptied, it does
// not stay in memory a second time.
func proved[T any](t *template.Template) (*templatecheck.CheckedTemplate[T], error) {
	checked, err := templatecheck.NewChecked[T](t)
	if err != nil {
		return nil, err
	}
	for _, part := range t.Templates() {
		if part.Tree != nil {
			part.Tree.Root = nil
		}
	}
	return checked, nil
}

// mostReserved bounds what is reserved for a page before it is written, in bytes.
const mostReserved = 256 << 10

// fill writes the whole of it in lang: a mistake half-way through would otherwise
// reach the visitor as a torn page.
func (l localized[T]) fill(lang string, data T) ([]byte, error) {
	var out bytes.Buffer
	in := l[lang]
	// As large as the last one, and a little: growing step by step copies a page twice over.
	out.Grow(int(min(in.last.Load(), mostReserved)) + 1<<10)
	err := in.template().Execute(&out, data)
	in.last.Store(int64(out.Len()))
	return out.Bytes(), err
}
