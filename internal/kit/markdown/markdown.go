// Package markdown shows what people wrote as harmless HTML: paragraphs, lists, emphasis,
// code, quotations and links. Raw HTML, pictures and headings do not get through.
//
// Two libraries stand one behind the other: the first never writes raw HTML, the second lets
// through what is listed here and nothing else.
package markdown

import (
	"bytes"
	"html/template"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// MaxText is the longest text that is read as Markdown in one piece, in bytes. A longer one is
// cut at empty lines, since the time it takes grows with the square of the length.
const MaxText = 16 << 10

// A text above MaxText is read in pieces of this size, up to mostPieces of them.
const (
	piece      = 4 << 10
	mostPieces = 32
)

// rel is on every link: search engines do not count it, and its target does not learn where
// a reader came from.
const rel = "nofollow ugc noreferrer"

// Writer makes HTML of texts. Safe for concurrent use; use New.
type Writer struct {
	md     goldmark.Markdown
	policy *bluemonday.Policy
}

// New makes a writer.
func New() *Writer {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "ul", "ol", "li", "pre", "code", "em", "strong", "blockquote", "br")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("rel").Matching(regexp.MustCompile("^" + rel + "$")).OnElements("a")
	p.AllowURLSchemes("https", "http", "mailto")
	p.RequireParseableURLs(true)
	return &Writer{
		md: goldmark.New(
			goldmark.WithExtensions(extension.Linkify),
			goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(links{}, 100))),
		),
		policy: p,
	}
}

// HTML is a text as it may stand in a page. It never fails: what cannot be read as Markdown, as
// a paragraph of more than 4 KiB in a text above MaxText, is shown as it is.
func (w *Writer) HTML(source string) template.HTML {
	if len(source) <= MaxText {
		return w.convert(source)
	}
	if len(source) > piece*mostPieces {
		return plain(source)
	}
	var out template.HTML
	for _, part := range pieces(source) {
		if len(part) > piece {
			out += plain(part)
		} else {
			out += w.convert(part)
		}
	}
	return out
}

func (w *Writer) convert(source string) template.HTML {
	var out bytes.Buffer
	if w.md.Convert([]byte(source), &out) != nil {
		return plain(source)
	}
	return template.HTML(w.policy.SanitizeBytes(out.Bytes())) //nolint:gosec // nothing but what the policy lets through
}

func plain(source string) template.HTML {
	return template.HTML("<p>" + template.HTMLEscapeString(source) + "</p>") //nolint:gosec // escaped
}

// pieces cuts a text at empty lines into pieces of at most piece bytes each, or of one paragraph
// where that is longer. What stands between fences stays together.
func pieces(source string) (all []string) {
	from, cut, at, fenced := 0, 0, 0, false // cut is the last place where the piece may end
	for line := range strings.Lines(source) {
		text := strings.TrimSpace(line)
		if strings.HasPrefix(text, "```") || strings.HasPrefix(text, "~~~") {
			fenced = !fenced
		}
		at += len(line)
		if at-from > piece && cut > from {
			all, from = append(all, source[from:cut]), cut
		}
		if text == "" && !fenced {
			cut = at
		}
	}
	return append(all, source[from:])
}

// links puts rel on every link.
type links struct{}

// Transform implements parser.ASTTransformer.
func (links) Transform(doc *ast.Document, _ text.Reader, _ parser.Context) {
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function below returns no error
		if k := n.Kind(); entering && (k == ast.KindLink || k == ast.KindAutoLink) {
			n.SetAttributeString("rel", []byte(rel))
		}
		return ast.WalkContinue, nil
	})
}
