package web

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

// funcs are what pages may call beside html/template's own, in one language.
func (s *Site) funcs(p *words.Printer) template.FuncMap {
	return template.FuncMap{
		"t":        func(key string, places ...any) (string, error) { return say(p, key, places) },
		"sentence": p.T,
		"date":     p.Date,
		"day":      p.Day,
		"ago":      func(m core.Moment) string { return p.Ago(m, s.Now()) },
		"stamp":    func(m core.Moment) string { return m.Time().Format(time.RFC3339) },
		"bytes":    p.Bytes,
		"size":     func(n int64) string { return p.Bytes(core.Size(n)) },
		"percent":  p.Percent,
		"span":     p.Span,
		"lasting":  func(m core.Moment) string { return p.Span(s.Now().Sub(m.Time())) },
		"prose":    prose,
	}
}

// say is a sentence with its places given as name, value, name, value.
func say(p *words.Printer, key string, places []any) (string, error) {
	args := make(map[string]any, len(places)/2)
	for i := 0; i < len(places); i += 2 {
		name, ok := places[i].(string)
		if !ok || i+1 == len(places) {
			return "", fmt.Errorf("t %s: places are pairs of a name and a value", key)
		}
		args[name] = places[i+1]
	}
	return p.T(key, args), nil
}

// prose is a sentence for a page: what stands between backticks is code, all else is text.
func prose(sentence string) template.HTML {
	var out strings.Builder
	parts := strings.Split(sentence, "`")
	for i, part := range parts {
		text := template.HTMLEscapeString(part)
		switch {
		case i%2 == 0:
			out.WriteString(text)
		case i == len(parts)-1: // no backtick ends it
			out.WriteString("`" + text)
		default:
			out.WriteString("<code>" + text + "</code>")
		}
	}
	return template.HTML(out.String()) //nolint:gosec // escaped
}
