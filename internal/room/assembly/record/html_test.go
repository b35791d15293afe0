package record

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"golang.org/x/net/html"

	"entrechat/internal/core"
)

// sound fails when HTML has a script, a style where the pages' policy refuses it, an id twice, a
// picture without a name, or a mark that turns the direction of text.
func sound(t testing.TB, page string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if slices.Contains([]string{"script", "img", "iframe", "form", "object", "link", "base", "input"}, n.Data) {
			t.Fatalf("<%s> in\n%s", n.Data, page)
		}
		if n.Data == "style" && !strings.HasPrefix(page, "<!doctype") {
			t.Fatalf("a style in\n%s", page)
		}
		role, labelled := "", ""
		for _, a := range n.Attr {
			switch {
			case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
				t.Fatalf("attribute %s in\n%s", a.Key, page)
			case a.Key == "id":
				if seen[a.Val] {
					t.Fatalf("id %s twice in\n%s", a.Val, page)
				}
				seen[a.Val] = true
			case a.Key == "href" && !strings.HasPrefix(a.Val, "https://") && !strings.HasPrefix(a.Val, "http://") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "mailto:"):
				t.Fatalf("href %q in\n%s", a.Val, page)
			case a.Key == "role":
				role = a.Val
			case a.Key == "aria-labelledby":
				labelled = a.Val
			}
		}
		if n.Data == "svg" && role == "img" && len(strings.Fields(labelled)) != 2 {
			t.Fatalf("a picture without title and desc in\n%s", page)
		}
	}
	if i := strings.IndexFunc(page, func(r rune) bool { return turns(r) || unicode.IsControl(r) && r != '\n' && r != '\t' }); i >= 0 {
		t.Fatalf("%q at %d", page[i:min(len(page), i+20)], i)
	}
}

// headings are those of a Markdown text, outside quotations.
func headings(source string) (all []string) {
	doc := goldmark.DefaultParser().Parse(text.NewReader([]byte(source)))
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			all = append(all, string(h.Lines().Value([]byte(source))))
		}
	}
	return all
}

// rawHTML says that a Markdown text has HTML in it.
func rawHTML(source string) (found bool) {
	doc := goldmark.DefaultParser().Parse(text.NewReader([]byte(source)))
	_ = ast.Walk(doc, func(n ast.Node, _ bool) (ast.WalkStatus, error) {
		found = found || n.Kind() == ast.KindRawHTML || n.Kind() == ast.KindHTMLBlock
		return ast.WalkContinue, nil
	})
	return found
}

func hostile() []string {
	return []string{
		"</title><script>alert(1)</script>", "# A heading\n\n</blockquote><img src=x onerror=alert(1)>", "pay \u202Eme\u2066", "\x1b[2J\x00a\u2028b", strings.Repeat("مرحبا **بالعالم** ", 400),
		strings.Repeat("x", 20_000), "[a](javascript:alert(1))", "|a|b|\n|-|-|\n", "END:VEVENT\r\nBEGIN:VEVENT\r\nATTACH:file:///etc/passwd", "a;b,c\\n:d\"e", "]]><!--", "`` ` ``", "<svg/onload=x>\n<style>*{}</style>",
		strings.Repeat("é", 300), "👩‍👩‍👧😀" + strings.Repeat("👩‍👩‍👧", 60), "```\n<b>\n```", "> > > x\n===\ny\n---",
	}
}

// planted has a text in every place where somebody else's text may stand.
func planted(kind, text string) Record {
	r := example(kind)
	r.Title, r.Text, r.Collective, r.Lang, r.ID = text, text, text, text, text
	for i := range r.Options {
		r.Options[i] = text
	}
	r.Versions[0].Title = text
	o := &r.Objections[0]
	o.Harm, o.Whom, o.Lift, o.Lang = text, text, text, text
	r.Remarks[0].Text, r.Remarks[0].Lang = text, text
	r.Absent[0].Why, r.Electorate[0].Note, r.Count.Lines[0].Why, r.Warnings[0], r.Origins[0].Says = text, text, text, text, text
	r.Review = text
	r.Reviews = []Review{{member(1), text}}
	r.Count.Hash, r.Count.Differ[0].Its, r.Count.Differ[0].Ours = text, text, text
	return r
}

func harmless(t testing.TB, w *Writer, r Record, now core.Moment) {
	t.Helper()
	got := everything(t, w, r, "en", now)
	sound(t, got["article"])
	sound(t, got["minutes"])
	if err := xml.Unmarshal([]byte(got["atom"]), new(feed)); err != nil {
		t.Fatal(err)
	}
	if _, err := parseCalendar(got["calendar"]); err != nil {
		t.Fatalf("%v\n%s", err, got["calendar"])
	}
	if rawHTML(got["markdown"]) {
		t.Fatalf("HTML in\n%s", got["markdown"])
	}
}

// TestHostileTexts: what members write is text wherever it stands.
func TestHostileTexts(t *testing.T) {
	w := New(catalogue(t))
	for _, source := range hostile() {
		for _, kind := range kinds() {
			r := planted(kind, source)
			for _, now := range moments(r) {
				harmless(t, w, r, now)
			}
		}
		r := planted(Consent, source)
		r.Title = "A title"
		got := headings(everything(t, w, r, "en", r.Times.Due()+1)["markdown"])
		want := []string{"A title", "Timeline", "Proposal", "Count", "Objections", "chaton-c.test", "Remarks", "chaton-d.test", "chaton-e.test", "Who decides", "Who does not decide, and why", "Versions", "Review"}
		if !slices.Equal(got, want) {
			t.Errorf("%.30q: headings %q", source, got)
		}
	}
}

func FuzzRecord(f *testing.F) {
	for _, source := range hostile() {
		f.Add(source, int64(0), 3, 1)
	}
	f.Add("", int64(-1<<62), -1, 1<<20)
	w := New(catalogue(f))
	f.Fuzz(func(t *testing.T, source string, at int64, grade, option int) {
		for _, kind := range []string{Choice, Consent} {
			r := planted(kind, source)
			for i := range r.Count.Lines {
				r.Count.Lines[i].Grades = []int{grade, option}
			}
			r.Count.Order = []int{option, grade, 0}
			r.Times.CommitUntil = core.Moment(at)
			harmless(t, w, r, core.Moment(at))
			harmless(t, w, r, r.Times.Due()+1)
		}
	})
}

// TestTheArticleSaysItAll: what a reader looks for is there, in words.
func TestTheArticleSaysItAll(t *testing.T) {
	w := New(catalogue(t))
	r := example(Consent)
	got := everything(t, w, r, "en", r.Times.Due()+1)
	for _, name := range []string{"article", "minutes", "markdown"} {
		for _, want := range []string{"Passed", "chaton-c.test open agree", "agrees, with a concern", "ballot stayed sealed", "3 of 4", "4 were needed", "Nos disques", "lifted on 2026-12-08", "jusqu'au 30/12/2026", "Un seul parrainage", "Rien ne l'ouvre", "pas la même liste", "Vient d'un besoin", "took this text back", "2027-11-30", "Petits", "200 Go"} {
			plain := strings.NewReplacer(`\`, "", "&#39;", "'").Replace(got[name])
			if !strings.Contains(strings.ToLower(plain), strings.ToLower(want)) {
				t.Errorf("%s lacks %q:\n%s", name, want, got[name])
			}
		}
	}
	r = example(Choice)
	page := everything(t, w, r, "fr", r.Times.Due()+1)["article"]
	for _, want := range []string{"Mention majoritaire\u00a0: Excellent", "<bdi>B · Passer au forum</bdi>", "4 Très bien\u00a0: 2", "C · Les deux | et &lt;b&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("lacks %q:\n%s", want, page)
		}
	}
}
