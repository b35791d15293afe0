package imports_test

import (
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/watch/imports"
)

// TestSlow: no file of the largest size takes long, whatever its shape.
func TestSlow(t *testing.T) {
	fill := func(piece string) string { return strings.Repeat(piece, imports.MaxBytes/len(piece)) }
	for name, text := range map[string]string{
		"open lists": fill("["), "open maps": fill("{"), "dashes": fill("- "), "questions": fill("? "), "keys": fill("a: \n"), "quotes": fill("\"\n"), "anchors": fill("&a "), "tags": fill("!!str "),
		"colons": fill(":"), "lines": "a: |\n" + fill(" x\n"), "spaces": fill(" "), "documents": fill("---\n"), "comments": fill("#\n"), "deep": deep(1000), "flow": "endpoints: [" + fill("{},")[:imports.MaxBytes-20] + "]",
		"JSON lists": `{"monitorList":` + fill("[")[:imports.MaxBytes-20], "JSON text": `{"monitorList":"` + fill("\\u0000")[:imports.MaxBytes-40] + `"}`, "JSON inside": `{"monitorList":[` + strings.Repeat(`{"type":"http","url":"https://a.test","headers":"`+strings.Repeat(`[`, 60000)+`"},`, 16) + `{}]}`,
		"merges": "a: &a {x: 1}\n" + fill("b: {<<: *a}\n")[:imports.MaxBytes-20],
	} {
		if len(text) > imports.MaxBytes {
			text = text[:imports.MaxBytes]
		}
		began := time.Now()
		_, _, _ = imports.ReadAll([]imports.File{{Name: "x", Text: []byte(text)}}) // whether it can be read is other tests' matter
		if d := time.Since(began); d > 20*time.Second {
			t.Errorf("%s took %s", name, d)
		} else {
			t.Logf("%s took %s", name, d)
		}
	}
}

func deep(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}
