package runbook

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const sample = `# The zone is gone

Who reads this has root on ns.

## Bring it back

Type <script>alert(1)</script> this:

` + "```sh\nknotc zone-status\n```" + `

![a picture](https://chaton-b.test/spy.png) [a link](javascript:alert(1)) [good](https://chaton-a.test/)

    dig @127.0.0.1 soa chaton-a.test

` + "```json\n{}\n```" + `

Underlined
----------

| a | b |
|---|---|
| 1 | 2 |

## Done when

It answers.
`

func TestTextIsCutIntoSteps(t *testing.T) {
	got, err := Parse(sample)
	if err != nil {
		t.Fatal(err)
	}
	headings := make([]string, 0, len(got.Steps))
	for _, s := range got.Steps {
		headings = append(headings, s.Heading)
	}
	if diff := cmp.Diff([]string{"", "Bring it back", "Underlined", "Done when"}, headings); diff != "" || got.Title != "The zone is gone" || !got.Ends {
		t.Fatal(got.Title, got.Ends, diff)
	}
	step := got.Steps[1]
	if diff := cmp.Diff([]string{"knotc zone-status\n", "dig @127.0.0.1 soa chaton-a.test\n"}, step.Commands); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"<script", "<img", "javascript:", "spy.png"} {
		if strings.Contains(string(step.HTML), bad) {
			t.Errorf("%q is shown: %s", bad, step.HTML)
		}
	}
	for _, good := range []string{"[a picture]", `href="https://chaton-a.test/"`, `<pre tabindex="0">`, "nofollow", "noreferrer"} {
		if !strings.Contains(string(step.HTML), good) {
			t.Errorf("%q is not shown: %s", good, step.HTML)
		}
	}
	if !strings.HasPrefix(step.Source, "Type <script>") || strings.Contains(step.Source, "Underlined") || strings.Contains(got.Steps[2].Source, "----------") {
		t.Errorf("source: %q, %q", step.Source, got.Steps[2].Source)
	}
	if !strings.Contains(string(got.Steps[2].HTML), `aria-label="Underlined"><table>`) {
		t.Errorf("table: %s", got.Steps[2].HTML)
	}
}

func TestTextIsBounded(t *testing.T) {
	for name, text := range map[string]string{
		"not UTF-8": "\xff", "too long": strings.Repeat("a", maxText+1), "a NUL": "a\x00b", "many headings": strings.Repeat("# a\n\nb\n\n", maxSteps+2),
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	// What makes slow readers slow.
	for _, text := range []string{">", "[", "*a ", "![", "<", "`", "- ", "| a ", "[](", "_*", "&", "\n#\n", "http://a", "    a\n", "1. "} {
		begun := time.Now()
		_, err := Parse(strings.Repeat(strings.Repeat(text, (maxLine-1)/len(text))+"\n", maxText/maxLine))
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%q: %v, %v", text, took, err)
		} else {
			t.Logf("%q: %v, %v", text, took, err)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add(sample)
	f.Add("a\n===\n<b onclick=x>\n\n***\n# \n#\n~~~sh\n")
	f.Fuzz(func(t *testing.T, source string) {
		got, err := Parse(source)
		if err != nil {
			return
		}
		for _, s := range got.Steps {
			for _, bad := range []string{"<script", "<img", "<iframe", " onclick", "javascript:"} {
				if strings.Contains(strings.ToLower(string(s.HTML)), bad) && !strings.Contains(strings.ToLower(source), "&lt;") && bad[0] == '<' {
					t.Errorf("%q is shown: %s", bad, s.HTML)
				}
			}
			if !utf8.ValidString(string(s.HTML)) || strings.ContainsAny(s.Source+s.Heading, "\x1b\u202e") {
				t.Errorf("not harmless: %q", s)
			}
		}
	})
}
