package statool_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/magiconair/properties"
	"pgregory.net/rapid"

	"entrechat/internal/room/directory/statool"
)

// oracle is what another reader of properties files finds; nil where the two are
// known to differ: it does not skip a byte order mark, ends a continuation in the
// middle of CRLF, knows none before the value, refuses escapes that we forgive,
// does not join \uD83D\uDC31, and reads a file as one encoding where we look at
// each line.
func oracle(data []byte) map[string]string {
	text := string(data)
	if !utf8.Valid(data) || strings.HasPrefix(text, "\ufeff") || strings.Contains(text, "\\\r\n") || strings.Contains(text, `\uD8`) ||
		continuedKey.MatchString(text) {
		return nil
	}
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	p, err := loader.LoadBytes(data)
	if err != nil {
		return nil
	}
	values := map[string]string{}
	for _, key := range p.Keys() {
		values[key], _ = p.Get(key)
	}
	return values
}

var continuedKey = regexp.MustCompile(`(?:^|[\r\n])(?:\\.|[^=:\r\n\\])*\\[\r\n]`)

// agree compares the two readers. The oracle's keys are case-sensitive: of those
// that fold into one, any may be the last.
func agree(t *rapid.T, data []byte, d *statool.Document) {
	want := oracle(data)
	spelled := map[string][]string{}
	for key, value := range want {
		folded := strings.Map(func(r rune) rune {
			if 'A' <= r && r <= 'Z' {
				return r + 32
			}
			return r
		}, key)
		spelled[folded] = append(spelled[folded], strings.TrimSpace(value))
	}
	for folded, values := range spelled {
		got, ok := d.Get(folded)
		found := false
		for _, v := range values {
			found = found || v == got
		}
		if !ok || !found {
			t.Fatalf("%q is %q here, %q there, in %q", folded, got, values, data)
		}
	}
}

// TestOracle compares both readers on the fixtures.
func TestOracle(t *testing.T) {
	compared := 0
	for name, data := range fixtures(t) {
		want := oracle(data)
		if want == nil {
			continue
		}
		compared++
		d := parse(t, data)
		for key, value := range want {
			if strings.ToLower(key) != key {
				continue
			}
			if got, ok := d.Get(key); !ok || got != strings.TrimSpace(value) {
				if name != "keys-duplicate" { // case-sensitive there
					t.Errorf("%s: %s is %q here, %q there", name, key, got, value)
				}
			}
		}
	}
	if compared < 60 {
		t.Errorf("only %d files were compared", compared)
	}
}

// piece makes lines of every kind, and the ends between them.
func piece() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"# note", "! autre", "", "   ", "\t", "=", ":", "\\", "\\\\", `\u00e9`, `\uD83D\uDC31`, `\n`, "é", "🐱", "${HOME}", "'", "\xe9", "\xc3",
			"organization.name", "Organization.Name", "subs.a", "service.registration", "metrics.http.hits.2026.months", "file.class", "host.provider",
			" = ", "=", " : ", " ", "Service", "2018-01-02", "01/02/2018", "1;2;;3", ",1,2", "https://chaton-a.test/", "'https://chaton-a.test/'", "<br/>",
		}),
		rapid.String(),
	)
}

func anyFile() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		if rapid.Bool().Draw(t, "bom") {
			b.WriteString("\ufeff")
		}
		for range rapid.IntRange(0, 12).Draw(t, "lines") {
			for range rapid.IntRange(0, 5).Draw(t, "pieces") {
				b.WriteString(piece().Draw(t, "piece"))
			}
			b.WriteString(rapid.SampledFrom([]string{"\n", "\r\n", "\r", "\\\n", "\\\r\n", ""}).Draw(t, "end"))
		}
		return b.String()
	})
}

// TestAnyFile: parsing keeps the bytes, parsing what was written gives the same
// again, the other reader agrees, and no view brings anything dangerous.
func TestAnyFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := []byte(anyFile().Draw(t, "file"))
		d, err := statool.Parse(data)
		if err != nil {
			return
		}
		agree(t, data, d)
		if again, _ := statool.Parse(d.Bytes()); !bytes.Equal(d.Bytes(), data) || !bytes.Equal(again.Bytes(), data) {
			t.Fatalf("%q became %q", data, d.Bytes())
		}
		harmless(t, d)
	})
}

// edit is one thing that a person may do.
func edit(t *rapid.T, d *statool.Document) (key, value string) {
	key = rapid.SampledFrom([]string{
		"organization.name", "organization.startdate", "organization.geolocation.address", "subs.a", "subs.zz", "service.registration",
		"host.provider.type", "software.modules", "file.class", "metrics.http.hits.2026.months",
	}).Draw(t, "key")
	value = strings.TrimSpace(rapid.StringOf(rapid.SampledFrom([]rune("aé🐱 \n\t=:#!\\'\";,<${}"))).Draw(t, "value"))
	if err := d.Set(key, value); err != nil {
		t.Fatalf("%s = %q: %v", key, value, err)
	}
	return key, value
}

// TestAnyEdit: an edit is read back, changes nothing else, and can be repeated
// without effect.
func TestAnyEdit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := []byte(anyFile().Draw(t, "file"))
		d, err := statool.Parse(data)
		if err != nil {
			return
		}
		before := map[string]string{}
		for _, k := range d.Keys() {
			before[k], _ = d.Get(k)
		}
		key, value := edit(t, d)
		once := d.Bytes()
		again, err := statool.Parse(once)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := again.Get(key); !ok || got != value {
			t.Fatalf("%s is %q, was set to %q, in %q", key, got, value, once)
		}
		if at := again.Line(key); at == 0 || at != d.Line(key) {
			t.Fatalf("%s stands in line %d, not %d", key, at, d.Line(key))
		}
		for _, k := range again.Keys() {
			if got, _ := again.Get(k); k != key && before[k] != got {
				t.Fatalf("%s became %q, was %q: %q -> %q", k, got, before[k], data, once)
			}
		}
		if err := again.Set(key, value); err != nil || !bytes.Equal(again.Bytes(), once) {
			t.Fatalf("the same edit again: %v, %q -> %q", err, once, again.Bytes())
		}
		d.Delete(key)
		if _, ok := d.Get(key); ok {
			t.Fatalf("%s is still there in %q", key, d.Bytes())
		}
	})
}
