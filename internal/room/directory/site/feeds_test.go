package site

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzAtom: whatever a service is called, the feed can be read.
func FuzzAtom(f *testing.F) {
	f.Add("Pad", "fr")
	f.Add("\x00\ufffe]]>&<", "\xff")
	f.Fuzz(func(t *testing.T, title, lang string) {
		data, err := atomFeed(feed{Title: title, Lang: lang, Items: []item{{ID: title, Title: title, URL: title, At: time.Unix(1, 0)}}})
		if err != nil || !utf8.Valid(data) {
			t.Fatalf("%v", err)
		}
		d := xml.NewDecoder(strings.NewReader(string(data)))
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatalf("%v in %q", err, data)
			}
		}
	})
}
