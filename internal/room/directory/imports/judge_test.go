package imports

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/room/directory/statool"
)

// FuzzJudge: whatever bytes come, what is passed on is bounded and harmless.
func FuzzJudge(f *testing.F) {
	for _, text := range []string{
		"file.class = Federation\nfederation.name = F\nsubs.a = https://a.test/a.properties\nsubs.a.b = x\n",
		"file.class = Organization\norganization.name = O\nsubs.<b> = 'https://a.test/'\nsubs.x = javascript:1\n",
		"service.name = S\n", "<html>", "\xff\xfea\x00", "a\x00b", "subs.\u202e = https://\u202e.test/\norganization.name=\x1b[31m",
	} {
		f.Add([]byte(text), uint8(0))
		f.Add([]byte(text), uint8(2))
	}
	wanted := []statool.Class{statool.ClassNone, statool.ClassFederation, statool.ClassOrganization, statool.ClassService}
	f.Fuzz(func(t *testing.T, data []byte, want uint8) {
		got, bad := judge(data, wanted[int(want)%len(wanted)])
		if bad.none() == (got.class == statool.ClassNone) {
			t.Fatalf("good as %q, and %+v", got.class, bad)
		}
		texts := []string{}
		for name, v := range bad.Args {
			texts = append(texts, name, fmt.Sprint(v))
		}
		for _, l := range got.links {
			texts = append(texts, l.Slug, l.Child)
			if at, ok := address(l.Child); l.Child != "" && (!ok || at != l.Child) || l.Line < 1 || l.Slug == "" {
				t.Fatalf("link %+v", l)
			}
		}
		for _, text := range texts {
			if !utf8.ValidString(text) || len(text) > 2000 || strings.ContainsFunc(text, func(r rune) bool {
				return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
			}) {
				t.Fatalf("passes on %q", text)
			}
		}
	})
}

// FuzzAddress: an address has one form, leads to the web and to the host that it
// says.
func FuzzAddress(f *testing.F) {
	for _, text := range []string{
		"https://a.test", " HTTPS://A.test:443/x?y#z ", "http://[::1]:80/", "https://u:p@a.test/", "https:a.test", "//a.test", "https://a.test\\@b.test/",
		"https://a.test/\u202e", "https://é.test/", "https://a.test:99999/", "https://a.test/a b", "javascript:alert(1)",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := address(text)
		if !ok {
			if at != "" {
				t.Fatalf("%q is none and %q", text, at)
			}
			return
		}
		u, err := url.Parse(at)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Fragment != "" || host(at) != u.Host || u.Hostname() == "" {
			t.Fatalf("%q became %q", text, at)
		}
		if again, ok := address(at); !ok || again != at {
			t.Fatalf("%q became %q and then %q", text, at, again)
		}
		if strings.ContainsFunc(at, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			t.Fatalf("%q became %q", text, at)
		}
	})
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"https://A.test":               "https://a.test/",
		" HTTPS://a.test:443/X?y=1#z ": "https://a.test/X?y=1",
		"http://a.test:80/":            "http://a.test/",
		"http://a.test:443/":           "http://a.test:443/",
		"https://[::1]:8443/x":         "https://[::1]:8443/x",
		"https://a.test/\u202e":        "https://a.test/%E2%80%AE",
		"https://a.test/?q=\xe9 é":     "https://a.test/?q=%E9%20%C3%A9",
		"https://u@a.test/":            "",
		"ftp://a.test/":                "",
		"a.test/x":                     "",
		"https:///x":                   "",
	} {
		if got, ok := address(text); got != want || ok != (want != "") {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestLongAddress(t *testing.T) {
	if at, ok := address("https://a.test/" + strings.Repeat("x", 500)); ok {
		t.Errorf("became %q", at)
	}
}

func TestControls(t *testing.T) {
	for _, x := range []struct {
		file, other string
		want        bool
	}{
		{"https://a.test/o", "https://a.test/p", true},
		{"https://a.test/o", "https://pad.a.test/p", true},
		{"https://www.a.test/o", "https://pad.a.test/p", true},
		{"https://a.test/o", "https://nota.test/p", false},
		{"https://pad.a.test/o", "https://a.test/p", false},
		{"https://a.test/o", "https://a.test:8443/p", false},
		{"https://a.test/o", "https://a.test.evil.test/p", false},
	} {
		if got := controls(x.file, x.other); got != x.want {
			t.Errorf("%s speaks for %s: %v", x.file, x.other, got)
		}
	}
}
