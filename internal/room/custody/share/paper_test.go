package share_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/share"
)

func printers(t *testing.T) []*words.Printer {
	t.Helper()
	c, err := words.New(words.Words, share.Words)
	must(t, err)
	return []*words.Printer{c.Printer(words.French), c.Printer(words.English)}
}

func newPaper(t *testing.T, scope string) share.Paper {
	t.Helper()
	_, id, shares, _ := deal(t, 3, 5)
	return share.Paper{
		Share: shares[1], Deal: id, N: 5, Owner: "chaton-a.test", Scope: scope, Wait: 14 * 24 * time.Hour,
		Call: []string{"Ana <ana>, 01 23", "Bo\x1b[31m\n02"}, Made: core.At(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)),
	}
}

func TestPaperIsTypedBack(t *testing.T) {
	for _, p := range printers(t) {
		for _, scope := range []string{"root", "domain", "serve", "assets", "data:files", "x"} {
			s := newPaper(t, scope)
			text, err := s.Text(p)
			must(t, err)
			if strings.Contains(text, "⟦") || strings.Contains(text, "\x1b") || !strings.Contains(text, "Bo [31m 02") {
				t.Errorf("%s %s:\n%s", p.Lang, scope, text)
			}
			for line := range strings.Lines(text) {
				if n := len([]rune(line)); n > 79+20 {
					t.Errorf("a line of %d signs: %s", n, line)
				}
			}
			if got, err := share.Parse(rowsOf(text)); err != nil || got != s.Share {
				t.Errorf("typed back: %v", err)
			}
		}
	}
}

// rowsOf are the rows of the share on a text sheet, with their numbers.
func rowsOf(text string) (rows string) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "  ") && strings.Contains(line, "1   ") {
			rows += line
		}
	}
	return rows
}

func TestPaperAsAPage(t *testing.T) {
	for _, p := range printers(t) {
		s := newPaper(t, "root")
		page, err := s.Document(p)
		must(t, err)
		root, err := html.Parse(strings.NewReader(string(page)))
		must(t, err)
		var signs strings.Builder
		for n := range root.Descendants() {
			switch {
			case n.Type != html.ElementNode:
			case n.Data == "script" || n.Data == "img" || n.Data == "link" || n.Data == "a":
				t.Errorf("a <%s>", n.Data)
			case n.Data == "td":
				signs.WriteString(n.FirstChild.Data)
			}
		}
		if got, err := share.Parse(signs.String()); err != nil || got != s.Share {
			t.Errorf("read back: %v", err)
		}
		if !strings.Contains(string(page), "Ana &lt;ana&gt;, 01 23") || strings.Contains(string(page), "⟦") || !strings.Contains(string(page), "<svg") {
			t.Errorf("%s", page)
		}
		part, err := s.HTML(p)
		must(t, err)
		if strings.Contains(string(part), "<html") || !strings.Contains(string(page), string(bytes.TrimSpace([]byte(part)))) {
			t.Error("the part is not what the page holds")
		}
	}
}

func TestPaperWantsItsShare(t *testing.T) {
	p := printers(t)[0]
	good := newPaper(t, "root")
	for name, change := range map[string]func(*share.Paper){
		"no share":     func(s *share.Paper) { s.Share = share.Share{} },
		"another deal": func(s *share.Paper) { s.Deal = "00112233445566778899aabbccddeeff" },
		"no count":     func(s *share.Paper) { s.N = 0 },
	} {
		s := good
		change(&s)
		if _, err := s.Text(p); err == nil {
			t.Errorf("%s: written", name)
		}
		if _, err := s.HTML(p); err == nil {
			t.Errorf("%s: drawn", name)
		}
	}
	good.Call, good.Wait = nil, 0
	text, err := good.Text(p)
	if must(t, err); !strings.Contains(text, "______") {
		t.Error("nobody to call, and no line to write on")
	}
	if tail := good.Share.Tail(); len(tail) != 6 || !strings.HasSuffix(good.Share.Text(), tail) || (share.Share{}).Tail() != "" {
		t.Error(tail)
	}
}
