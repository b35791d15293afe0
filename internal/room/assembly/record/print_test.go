package record

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// TestMinutesArePrinted: Chromium prints the minutes on A4, and their text is in the file.
func TestMinutesArePrinted(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is missing: apt-get install chromium")
	}
	dir := t.TempDir()
	r := example(Choice)
	minutes, err := New(catalogue(t)).Minutes(r, "fr", r.Times.Due()+1)
	if err != nil {
		t.Fatal(err)
	}
	page, pdf := filepath.Join(dir, "minutes.html"), filepath.Join(dir, "minutes.pdf")
	if err := os.WriteFile(page, minutes, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"),
		"--no-pdf-header-footer", "--print-to-pdf="+pdf, "file://"+page).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data, err := os.ReadFile(pdf)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	box := regexp.MustCompile(`/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]`).FindSubmatch(data)
	if box == nil || !strings.HasPrefix(string(box[1]), "59") || !strings.HasPrefix(string(box[2]), "84") {
		t.Errorf("the paper is %s, want A4, 595 by 842 points", box)
	}
	text := printed(t, data)
	for _, want := range []string{"Unesauvegardedepluschezchacun", "Optionchoisie", "Passerauforum", "Mentionmajoritaire", "chaton-g.test", "Nosdisquessontpleins", "Quidécide", strings.Repeat("0f", 32)} {
		if !strings.Contains(text, want) {
			t.Errorf("the print lacks %q", want)
		}
	}
}

var (
	stream = regexp.MustCompile(`(?s)stream\r?\n(.*?)endstream`)
	mapped = regexp.MustCompile(`<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]+)>(?: <([0-9A-Fa-f]+)>)?`)
	shown  = regexp.MustCompile(`<([0-9A-Fa-f]+)>`)
	places = regexp.MustCompile(`(?s)\[(?:[^\[\]]*)\] ?TJ|<[0-9A-Fa-f]+> ?Tj`)
)

// printed is the text of a PDF as Chromium writes it, without spaces: each font has a table from
// its glyphs to letters. Which font a string is in is not looked up: it is read in each of them.
func printed(t *testing.T, pdf []byte) string {
	t.Helper()
	var contents []string
	var fonts []map[string]string
	for _, m := range stream.FindAllSubmatch(pdf, -1) {
		text := m[1]
		if z, err := zlib.NewReader(bytes.NewReader(m[1])); err == nil {
			text, _ = io.ReadAll(z) // a picture that is cut is none of the text
		}
		switch {
		case bytes.Contains(text, []byte("begincmap")):
			fonts = append(fonts, letters(string(text)))
		case bytes.Contains(text, []byte("BT")):
			contents = append(contents, string(text))
		}
	}
	var out strings.Builder
	for _, font := range fonts {
		for _, content := range contents {
			for _, place := range places.FindAllString(content, -1) {
				for _, m := range shown.FindAllStringSubmatch(place, -1) {
					for i := 0; i+4 <= len(m[1]); i += 4 {
						out.WriteString(strings.TrimSpace(font[strings.ToUpper(m[1][i:i+4])]))
					}
				}
			}
		}
	}
	return out.String()
}

// letters reads the table of a font.
func letters(cmap string) map[string]string {
	font := map[string]string{}
	for _, m := range mapped.FindAllStringSubmatch(cmap, -1) {
		from, err := strconv.ParseUint(m[1], 16, 16)
		if err != nil {
			continue
		}
		if m[3] == "" { // one glyph
			font[strings.ToUpper(m[1])] = unhex(m[2])
			continue
		}
		to, err := strconv.ParseUint(m[2], 16, 16)
		first := []rune(unhex(m[3]))
		if err != nil || len(first) != 1 {
			continue
		}
		for g := from; g <= to; g++ {
			font[strings.ToUpper(hex.EncodeToString([]byte{byte(g >> 8), byte(g)}))] = string(first[0] + rune(g-from))
		}
	}
	return font
}

func unhex(text string) string {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw)%2 != 0 {
		return ""
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
	}
	return string(utf16.Decode(units))
}
