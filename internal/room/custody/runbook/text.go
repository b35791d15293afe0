package runbook

import (
	"bytes"
	"errors"
	"html"
	"html/template"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"entrechat/internal/core"
)

const (
	maxText    = 64 << 10 // bytes of one runbook
	maxLine    = 8 << 10  // bytes of one line: what is nested deep takes a reader long
	maxSteps   = 100
	maxHeading = 200 // characters
)

// Text is a runbook made ready to be read.
type Text struct {
	Title string
	// Steps are what stands below each heading; what comes before the first is a step
	// without a heading.
	Steps []Step
	// Ends says whether a heading tells how one sees that it is done.
	Ends bool
}

// Step is what stands below one heading.
type Step struct {
	Heading  string
	HTML     template.HTML // harmless: no raw HTML, no pictures, no addresses but https and mailto
	Source   string        // as it was written
	Commands []string      // its blocks of code that are for a shell
}

// Parse reads Markdown. Returns CodeInvalid "custody.runbook.bad_text" for what is no text,
// or more than a person could follow.
func Parse(source string) (Text, error) {
	long := slices.ContainsFunc(strings.Split(source, "\n"), func(l string) bool { return len(l) > maxLine })
	if len(source) > maxText || long || !utf8.ValidString(source) || strings.ContainsRune(source, 0) {
		return Text{}, core.Invalid("custody.runbook.bad_text", errors.New("no UTF-8, or too long")).With("Limit", maxSteps)
	}
	md := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.Linkify))
	src := []byte(source)
	doc := md.Parser().Parse(text.NewReader(src))
	noPictures(doc, src)
	w := writer{md: md, src: src, policy: policy()}
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if err := w.add(n); err != nil {
			return Text{}, core.Invalid("custody.runbook.bad_text", err).With("Limit", maxSteps)
		}
	}
	w.end(len(src))
	if len(w.out.Steps) > maxSteps {
		return Text{}, core.Invalid("custody.runbook.bad_text", errors.New("too many headings")).With("Limit", maxSteps)
	}
	return w.out, nil
}

// noPictures puts the words of each picture in its place: a page of ours loads nothing of
// others, and a terminal shows none.
func noPictures(doc ast.Node, src []byte) {
	var found []*ast.Image
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function below returns no error
		if i, ok := n.(*ast.Image); ok && entering {
			found = append(found, i)
		}
		return ast.WalkContinue, nil
	})
	for _, i := range found {
		if i.Parent() != nil {
			i.Parent().ReplaceChild(i.Parent(), i, ast.NewString([]byte("["+plain(i, src)+"]")))
		}
	}
}

// plain is a node's text without its marks.
func plain(n ast.Node, src []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function below returns no error
		if !entering {
			return ast.WalkContinue, nil
		}
		switch one := n.(type) {
		case *ast.Text:
			b.Write(one.Segment.Value(src))
			if one.SoftLineBreak() || one.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(one.Value)
		}
		return ast.WalkContinue, nil
	})
	return line(html.UnescapeString(b.String()), maxHeading)
}

// line makes one line of a text, of so many characters at most.
func line(s string, limit int) string {
	s = strings.Join(strings.Fields(clean(s)), " ")
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}

// policy is what a page shows of a text.
func policy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "ul", "ol", "li", "pre", "code", "em", "strong", "del", "blockquote", "br", "hr", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("https", "mailto")
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return p
}

// writer cuts a document into steps.
type writer struct {
	md     goldmark.Markdown
	src    []byte
	policy *bluemonday.Policy
	out    Text
	step   *Step
	html   bytes.Buffer
	from   int // where the running step's source begins
}

func (w *writer) add(n ast.Node) error {
	if h, ok := n.(*ast.Heading); ok {
		name := plain(h, w.src)
		begin, after := w.lines(h)
		w.end(begin)
		if h.Level == 1 && w.out.Title == "" && len(w.out.Steps) == 0 {
			w.out.Title, w.from = name, after
			return nil
		}
		w.out.Ends = w.out.Ends || tellsEnd(name)
		w.step, w.from = &Step{Heading: name}, after
		return nil
	}
	if w.step == nil {
		w.step = &Step{}
	}
	w.step.Commands = append(w.step.Commands, w.commands(n)...)
	return w.md.Renderer().Render(&w.html, w.src, n)
}

// lines are where a heading begins, and where what stands below it does.
func (w *writer) lines(h *ast.Heading) (begin, after int) {
	begin, after = h.Pos(), h.Pos()
	if l := h.Lines(); l.Len() > 0 {
		begin, after = l.At(0).Start, l.At(l.Len()-1).Stop
	}
	begin = max(begin, 0)
	for begin > 0 && w.src[begin-1] != '\n' {
		begin--
	}
	if after <= begin || w.src[after-1] != '\n' {
		after = w.nextLine(max(after, begin))
	}
	// A heading that is underlined has one line more.
	if mark := strings.TrimSpace(string(w.src[after:w.nextLine(after)])); mark != "" && strings.Trim(mark, "=-") == "" && w.src[begin] != '#' {
		after = w.nextLine(after)
	}
	return begin, after
}

// nextLine is where the line after the one at a place begins.
func (w *writer) nextLine(at int) int {
	if i := bytes.IndexByte(w.src[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(w.src)
}

// end closes the running step, whose source ends before a place.
func (w *writer) end(before int) {
	if w.step == nil {
		return
	}
	shown := w.policy.Sanitize(w.html.String())
	// What can be wider than the screen is reached by keyboard too.
	shown = strings.ReplaceAll(shown, "<pre>", `<pre tabindex="0">`)
	shown = strings.ReplaceAll(shown, "<table>", `<div class="wide" tabindex="0" role="region" aria-label="`+html.EscapeString(w.step.Heading)+`"><table>`)
	shown = strings.ReplaceAll(shown, "</table>", "</table></div>")
	w.step.HTML = template.HTML(shown) //nolint:gosec // bluemonday's answer, with marks of our own
	w.step.Source = clean(strings.Trim(string(w.src[min(w.from, before):before]), "\n"))
	w.out.Steps = append(w.out.Steps, *w.step)
	w.step = nil
	w.html.Reset()
}

// shells are the languages of blocks that are commands; a block without one is too.
func shells() []string { return []string{"", "sh", "bash", "shell"} }

// commands are the blocks for a shell within a node.
func (w *writer) commands(n ast.Node) (all []string) {
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function below returns no error
		if !entering || n.Type() != ast.TypeBlock {
			return ast.WalkContinue, nil
		}
		fenced, ok := n.(*ast.FencedCodeBlock)
		_, indented := n.(*ast.CodeBlock)
		if indented || ok && slices.Contains(shells(), string(fenced.Language(w.src))) {
			if block := clean(string(n.Lines().Value(w.src))); strings.TrimSpace(block) != "" {
				all = append(all, block)
			}
		}
		return ast.WalkContinue, nil
	})
	return all
}

// tellsEnd says whether a heading tells how one sees that it is done.
func tellsEnd(heading string) bool {
	h := strings.ToLower(heading)
	return slices.ContainsFunc([]string{"end state", "done when", "finished when", "état final", "c'est fini", "fini quand", "terminé quand"}, func(s string) bool { return strings.Contains(h, s) })
}
