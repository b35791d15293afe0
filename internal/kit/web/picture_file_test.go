package web_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/kit/web"
)

// TestDemoPicture: docs/pictures/demo.svg is a ring as the overview draws it, with the
// colours of style.css inside, so that it can stand in a README. -update writes it anew.
func TestDemoPicture(t *testing.T) {
	const names = "bcdefg"
	ring := web.Ring{Caption: web.Caption{Title: "Seven hosters: two are gone, and every byte comes back from the four that are enough"}, Us: "chaton-a"}
	for i, letter := range names {
		m := web.RingMember{Name: "chaton-" + string(letter), ForUs: 60 + int64(i)*7, ForIt: 40 + int64(5-i)*30, Severity: web.Fine}
		if letter == 'c' || letter == 'f' {
			m.Severity = web.None
		}
		ring.Members = append(ring.Members, m)
	}
	css, err := os.ReadFile(filepath.Join("pages", "style.css"))
	if err != nil {
		t.Fatal(err)
	}
	got := alone(t, string(ring.HTML()), string(css))
	file := filepath.Join("..", "..", "..", "docs", "pictures", "demo.svg")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/pictures/demo.svg changed (go test -update when meant):\n%s", diff)
	}
}

// alone makes a file of a picture's SVG: it takes the colours and the rules of a ring along.
func alone(t *testing.T, picture, css string) string {
	t.Helper()
	_, svg, ok := strings.Cut(picture, "<svg ")
	svg, _, closed := strings.Cut(svg, "</svg>")
	head, body, opened := strings.Cut(svg, ">")
	begin, end := strings.Index(css, ":root {"), strings.Index(css, "*, ::before")
	if !ok || !closed || !opened || begin < 0 || end < begin {
		t.Fatal("no SVG, or no colours")
	}
	var style strings.Builder
	for line := range strings.Lines(css[begin:end]) {
		if !strings.Contains(line, "color-scheme: light") {
			style.WriteString(line)
		}
	}
	for line := range strings.Lines(css[end:]) {
		if strings.HasPrefix(line, ".picture .") || strings.HasPrefix(line, ".ring .") || strings.HasPrefix(line, ".ring text") {
			style.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, ".picture "), ".ring "))
		}
	}
	return `<svg xmlns="http://www.w3.org/2000/svg" width="470" height="290" ` + head + ">\n<style>\n" +
		"svg { background: var(--paper); }\n" + style.String() + "</style>\n" + strings.ReplaceAll(body, "><", ">\n<") + "\n</svg>\n"
}
