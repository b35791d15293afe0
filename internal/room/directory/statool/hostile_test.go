package statool_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/statool"
)

// failer is what harmless needs of testing.T and rapid.T.
type failer interface{ Fatalf(string, ...any) }

// harmless looks at everything that leaves the package for a page or a terminal.
func harmless(t failer, d *statool.Document) {
	text := func(where, s string) {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
			return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
		}) {
			t.Fatalf("%s shows %q", where, s)
		}
	}
	link := func(where, s string) {
		text(where, s)
		if s != "" && !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") || strings.ContainsAny(s, "<>\"'` \n") {
			t.Fatalf("%s links to %q", where, s)
		}
	}
	o, s, f := statool.Read[statool.Organization](d), statool.Read[statool.Service](d), statool.Read[statool.Federation](d)
	for where, v := range map[string]string{"name": o.Name, "status": o.Status.Description, "service": s.Description, "federation": f.Description, "address": o.Place.Address, "host": s.Host.Name} {
		text(where, v)
	}
	for where, v := range map[string]string{"website": o.Website, "logo": o.Logo, "contact": o.Contact.URL, "legal": o.Legal, "service": s.Website, "source": s.Software.Source, "head": o.Head.URL, "federation": f.Logo} {
		link(where, v)
	}
	for _, set := range []map[string]string{o.Social, o.Funding, o.Subs, s.Subs, f.Subs} {
		for where, v := range set {
			link(where, v)
		}
	}
	for _, e := range []string{o.Contact.Email, s.Contact.Email, f.Contact.Email} {
		if text("email", e); strings.ContainsAny(e, " <>\"'?&\n") || e != "" && strings.Count(e, "@") != 1 {
			t.Fatalf("mail to %q", e)
		}
	}
	report := statool.Validate(d)
	if len(report.Findings) > 200 {
		t.Fatalf("%d findings", len(report.Findings))
	}
	for _, finding := range report.Findings {
		for name, v := range finding.Args {
			text(finding.Key+" "+name, fmt.Sprint(v))
			if len(fmt.Sprint(v)) > 400 {
				t.Fatalf("%s %s is long: %q", finding.Key, name, v)
			}
		}
	}
	for _, series := range d.Series() {
		if len(series.Points) > series.Span.Len() {
			t.Fatalf("%s has %d points", series.Path, len(series.Points))
		}
	}
}

func TestRefused(t *testing.T) {
	for name, x := range map[string]struct {
		data []byte
		key  string
	}{
		"100 MB":      {bytes.Repeat([]byte("organization.name = x\n"), 100_000_000/22), "directory.statool.too_big"},
		"1e6 subs":    {manySubs(1_000_000), "directory.statool.too_big"},
		"only lines":  {bytes.Repeat([]byte("\n"), statool.MaxLines+1), "directory.statool.too_many_lines"},
		"a web page":  {[]byte("\n <!DOCTYPE html><title>404</title>"), "directory.statool.web_page"},
		"utf-16":      {[]byte("\xff\xfef\x00i\x00"), "directory.statool.utf16"},
		"a NUL":       {[]byte("file.class = Service\x00"), "directory.statool.binary"},
		"a gzip file": {[]byte("\x1f\x8b\x08\x00\x00"), "directory.statool.binary"},
	} {
		d, err := statool.Parse(x.data)
		var e *core.Error
		if d != nil || !errors.As(err, &e) || e.Code != core.CodeInvalid || e.Key != x.key {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func manySubs(n int) []byte {
	var b bytes.Buffer
	b.WriteString("file.class = Federation\n")
	for i := range n {
		fmt.Fprintf(&b, "subs.s%d=https://c%d.test/\n", i, i)
	}
	return b.Bytes()
}

// TestManySubs: what fits into the size is read, and said to be too much.
func TestManySubs(t *testing.T) {
	d := parse(t, manySubs(20_000))
	report := statool.Validate(d)
	if report.OK() || len(report.Findings) > 200 {
		t.Errorf("%d findings, ok=%t", len(report.Findings), report.OK())
	}
	for _, f := range report.Findings {
		if f.Key == "directory.statool.too_many_subs" && f.Args["Count"] == 20_000 {
			return
		}
	}
	t.Error("nothing was said about the number of subs")
}

// TestNothingIsExpanded: the environment of this process is in no text.
func TestNothingIsExpanded(t *testing.T) {
	t.Setenv("ENTRECHAT_SECRET", "the seed words")
	d := parse(t, []byte("organization.name = ${ENTRECHAT_SECRET}${HOME}\norganization.status.description = ${organization.status.description}\n"))
	o := statool.Read[statool.Organization](d)
	if o.Name != "${ENTRECHAT_SECRET}${HOME}" || strings.Contains(fmt.Sprint(o, statool.Validate(d)), "seed") || os.Getenv("HOME") != "" && strings.Contains(o.Name, os.Getenv("HOME")) {
		t.Errorf("%+v", o)
	}
}

// TestScriptInEveryField puts hostile text into every field of the list.
func TestScriptInEveryField(t *testing.T) {
	for _, hostile := range []string{
		`<script>alert(1)</script>`, `javascript:alert(1)`, `https://x.test/"><script>`, `data:text/html,x`, "https://x.test/\x1b[2J", `https://x.test/\u202e`,
		`"><img src=x onerror=alert(1)>@x.test`, `{{.Secret}}`, `${HOME}`, "\xff\xfe\xfd", `\u0000\u0007`, `' onmouseover='x`, `https://a:b@x.test/`, `//x.test/`,
	} {
		for _, class := range []statool.Class{statool.ClassFederation, statool.ClassOrganization, statool.ClassService} {
			var b strings.Builder
			for _, f := range statool.Fields(class) {
				b.WriteString(strings.ReplaceAll(f.Path, "*", "x") + " = " + hostile + "\n")
			}
			b.WriteString("subs.x = " + hostile + "\nmetrics.x.2026.days = " + hostile + "\n" + hostile + " = 1\n")
			d := parse(t, []byte(b.String()))
			harmless(t, d)
			if statool.Validate(d).OK() {
				t.Errorf("a %s full of %q is valid", class, hostile)
			}
		}
	}
}

// TestMemory: the worst file that is not refused stays within a few times its
// size.
func TestMemory(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // what is let go of goes soon
	for name, data := range map[string][]byte{
		"lines":    bytes.Repeat([]byte("a.b=\n"), statool.MaxLines-1),
		"one list": append([]byte("metrics.x.2026.days="), bytes.Repeat([]byte(";"), statool.MaxBytes-100)...),
		"escapes":  append([]byte("organization.name="), bytes.Repeat([]byte(`\u00e9`), (statool.MaxBytes-100)/6)...),
		"breaks":   append([]byte("organization.name="), bytes.Repeat([]byte(`<br/>`), (statool.MaxBytes-100)/5)...),
		"bars":     append([]byte("organization.name=a"), bytes.Repeat([]byte(`\`), statool.MaxBytes-100)...),
		"joined":   append([]byte("organization.name=a"), bytes.Repeat([]byte("\\\n"), statool.MaxLines-10)...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		d := parse(t, data)
		harmless(t, d)
		runtime.ReadMemStats(&after)
		// What the process grew by; how much was allocated and let go of on the way
		// says nothing with the race detector, which empties pools at random.
		if used := int64(after.HeapSys) - int64(before.HeapSys); used > 100<<20 {
			t.Errorf("%s: the heap grew by %d MiB", name, used>>20)
		}
	}
}
