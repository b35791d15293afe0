package markdown

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestWhatGetsThrough(t *testing.T) {
	w := New()
	for source, want := range map[string]string{
		"plain":                             "<p>plain</p>\n",
		"**a** *b* `c`":                     "<p><strong>a</strong> <em>b</em> <code>c</code></p>\n",
		"- a\n- b":                          "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n",
		"[a](https://chaton-a.test/x)":      `<p><a href="https://chaton-a.test/x" rel="nofollow ugc noreferrer">a</a></p>` + "\n",
		"see https://chaton-a.test":         `<p>see <a href="https://chaton-a.test" rel="nofollow ugc noreferrer">https://chaton-a.test</a></p>` + "\n",
		"<https://chaton-a.test>":           `<p><a href="https://chaton-a.test" rel="nofollow ugc noreferrer">https://chaton-a.test</a></p>` + "\n",
		"[a](javascript:alert(1))":          `<p><a rel="nofollow ugc noreferrer">a</a></p>` + "\n",
		"![a](https://chaton-a.test/a.png)": "<p></p>\n",
		"# a":                               "a\n",
	} {
		if got := string(w.HTML(source)); got != want {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
	}
}

// allowed are the tags that the package lets through.
var allowed = regexp.MustCompile(`^</?(?:p|ul|ol|li|pre|code|em|strong|blockquote|br|ol start="\d+"|a href="(?:https?://|mailto:)[^"<>]*" rel="nofollow ugc noreferrer"|a rel="nofollow ugc noreferrer"|a)/?>`)

func harmless(t *testing.T, html string) {
	t.Helper()
	for rest := html; ; {
		i := strings.IndexByte(rest, '<')
		if i < 0 {
			return
		}
		if rest = rest[i:]; !allowed.MatchString(rest) {
			t.Fatalf("a tag gets through: %q of %q", rest[:min(len(rest), 80)], html)
		}
		rest = rest[1:]
	}
}

func hostile() []string {
	return []string{
		"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[a](  javascript:alert(1) )", "[a]: data:text/html,<script>\n[a]", "<a href='x' onclick=y>z</a>",
		"<style>*{display:none}</style>", "```\n<script>\n```", "`<b>`", "[a](https://x.test \"t\" onclick)", strings.Repeat("> ", 500) + "x", strings.Repeat("[", 900) + strings.Repeat("]", 900),
		strings.Repeat("*a_", 330), strings.Repeat("- ", 500), "<!--", "<![CDATA[<script>]]>", "\x00<svg/onload=x>", "مرحبا **بالعالم**", "😀👩‍👩‍👧",
	}
}

func TestHostileTexts(t *testing.T) {
	w, began := New(), time.Now()
	for _, source := range append(hostile(), strings.Repeat("<b>", 1<<20)) {
		harmless(t, string(w.HTML(source)))
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestLongTexts: what is longer than one piece is Markdown too, cut between paragraphs, and
// nobody makes a page slow by it.
func TestLongTexts(t *testing.T) {
	paragraph := strings.Repeat("some **words** ", 20) + "\n\n"
	fence := "```\n" + strings.Repeat("a\n\n*b*\n\n", 200) + "```\n\n"
	long := strings.Repeat(paragraph, 40) + fence + strings.Repeat(paragraph, 40)
	w := New()
	got := string(w.HTML(long))
	if n := strings.Count(got, "<p>"); n != 80 || strings.Count(got, "<pre>") != 1 || strings.Contains(got, "<em>b") || strings.Count(got, "<strong>") != 80*20 {
		t.Errorf("%d paragraphs of 80", n)
	}
	if joined := strings.Join(pieces(long), ""); joined != long {
		t.Error("a piece is lost")
	}
	for _, source := range []string{strings.Repeat("*a_", 26_000), strings.Repeat("*a_\n\n", 15_000), strings.Repeat("> ", 40_000), strings.Repeat("[a](", 20_000), strings.Repeat("1) ", 1300) + "\n\n" + strings.Repeat("x\n\n", 20_000)} {
		began := time.Now()
		harmless(t, string(w.HTML(source)))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%.20q: %v", source, took)
		}
	}
}

func FuzzHTML(f *testing.F) {
	for _, source := range hostile() {
		f.Add(source)
	}
	w := New()
	f.Fuzz(func(t *testing.T, source string) {
		harmless(t, string(w.HTML(source)))
	})
}
