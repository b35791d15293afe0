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

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// MaxText is the longest text that is read as Markdown, in bytes; a longer one is shown as it
// is.
const MaxText = 16 << 10

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

// HTML is a text as it may stand in a page. It never fails: what cannot be read as Markdown
// is shown as it is.
func (w *Writer) HTML(source string) template.HTML {
	var out bytes.Buffer
	if len(source) > MaxText || w.md.Convert([]byte(source), &out) != nil {
		return template.HTML("<p>" + template.HTMLEscapeString(source) + "</p>") //nolint:gosec // escaped
	}
	return template.HTML(w.policy.SanitizeBytes(out.Bytes())) //nolint:gosec // nothing but what the policy lets through
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
