package need

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"entrechat/internal/kit/markdown"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/assembly/stranger"
)

// hostile are texts that have hurt other forms.
func hostile() []string {
	return []string{
		"<script>alert(1)</script>", "\u202Eevil", "a\u0000b", "![x](https://x.test/a.png)", "[x](javascript:alert(1))", "مرحبا بالعالم", "שלום", "😀👩‍👩‍👧‍👦",
		strings.Repeat("> ", 400) + "x", strings.Repeat("[", 900), "\xff\xfe", "\U000E0041", "a\u0301", "<img src=x onerror=alert(1)>", strings.Repeat("é", 1001),
	}
}

// FuzzText: what is taken in is shown harmless; everything else is refused (scenario 4).
func FuzzText(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text)
	}
	md := markdown.New()
	f.Fuzz(func(t *testing.T, text string) { checkOne(t, md, text) })
}

func checkOne(t *testing.T, md *markdown.Writer, text string) {
	t.Helper()
	text = stranger.Tidy(text)
	if stranger.Check(text, MaxText) != nil {
		return
	}
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > MaxText || strings.ContainsAny(text, "\x00\r\x1b\u202e\u2066\u200f") {
		t.Fatalf("taken in: %q", text)
	}
	if again := stranger.Tidy(text); again != text {
		t.Fatalf("tidied twice: %q, %q", text, again)
	}
	got := strings.ToLower(string(md.HTML(text)))
	for _, bad := range []string{"<script", "<img", "<svg", "<style", "<iframe", "href=\"javascript:", "href=\"data:", " onerror=\"", " onload=\""} {
		if strings.Contains(got, bad) {
			t.Fatalf("%q shows %q", text, got)
		}
	}
}

func FuzzClaim(f *testing.F) {
	k, now := keys{seal.NewBox([32]byte{1})}, time.Unix(1_800_000_000, 0)
	text, sig := k.sign(claim{claimVoice, "NEED", "VOICE", now.Add(time.Hour)})
	f.Add(text, sig)
	f.Add(text, "x")
	f.Add("...", sig)
	f.Fuzz(func(t *testing.T, a, b string) {
		if c, err := k.readClaim(a, b, now); err == nil && (a != text || b != sig) {
			t.Fatalf("a forged link: %q %q: %+v", a, b, c)
		}
		if k.checkStamp(a+b, now) == nil {
			t.Fatalf("a forged form: %q", a+b)
		}
	})
}

func FuzzAddress(f *testing.F) {
	for _, text := range []string{planted, "a@b.test\r\nBcc: c@d.test", "\"a b\"@c.test", "a@b", "ä@b.test", "a@bücher.test", "a@[127.0.0.1]"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseAddress(text)
		if err == nil && (strings.ContainsAny(got, "\r\n \t,;<>\"\x00") || strings.Count(got, "@") != 1 || len(got) > 2*254) {
			t.Fatalf("%q is the address %q", text, got)
		}
	})
}
