package statool

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"entrechat/internal/core"
)

// Limits of one document.
// spec: docs/spec/statoolinfos.md#limits
const (
	MaxBytes = 1 << 20 // bytes of a file
	MaxLines = 50_000  // natural lines of a file
	MaxSubs  = 5_000   // entries of the subs section that anybody follows
)

// Document is one properties file: every byte of it, and what its lines say. The
// zero value is an empty file. Not safe for concurrent use while it is edited.
type Document struct {
	bom   string
	lines []line
	index map[string]int // folded key -> position of the line that counts, the last
}

const utf8BOM = "\xef\xbb\xbf"

// Parse reads a file. Whatever can be forgiven is a finding of Validate; what
// cannot returns CodeInvalid: more than MaxBytes or MaxLines, a web page, UTF-16
// or other binary content.
func Parse(data []byte) (*Document, error) {
	if err := refuse(data); err != nil {
		return nil, err
	}
	text := string(data)
	d := &Document{}
	if strings.HasPrefix(text, utf8BOM) {
		d.bom, text = utf8BOM, text[len(utf8BOM):]
	}
	d.lines = scan(text)
	d.reindex()
	return d, nil
}

func refuse(data []byte) error {
	switch lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")); {
	case len(data) > MaxBytes:
		return core.Invalid("directory.statool.too_big", fmt.Errorf("%d bytes", len(data))).With("Limit", core.Size(MaxBytes))
	case bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")):
		return core.Invalid("directory.statool.utf16", errors.New("the file is UTF-16"))
	case bytes.IndexByte(data, 0) >= 0:
		return core.Invalid("directory.statool.binary", errors.New("the file has a NUL byte"))
	case bytes.HasPrefix(bytes.TrimLeft(data, utf8BOM+" \t\r\n"), []byte("<")):
		return core.Invalid("directory.statool.web_page", errors.New("the file begins with a tag"))
	case lines > MaxLines:
		return core.Invalid("directory.statool.too_many_lines", fmt.Errorf("%d lines", lines)).With("Limit", MaxLines)
	}
	return nil
}

func (d *Document) reindex() {
	d.index = make(map[string]int, len(d.lines))
	for i := range d.lines {
		if d.lines[i].kind == entry {
			d.index[d.lines[i].folded] = i
		}
	}
}

// Bytes is the file: of a document that was not edited, exactly what was parsed.
func (d *Document) Bytes() []byte {
	var out bytes.Buffer
	out.WriteString(d.bom)
	for i := range d.lines {
		out.WriteString(d.lines[i].raw)
	}
	return out.Bytes()
}

// Get is what a key says, decoded, without the spaces around it; case does not
// matter, old spellings of the key are found too. Of several lines with one key
// the last counts. The text is a stranger's and may hold anything.
func (d *Document) Get(key string) (value string, ok bool) {
	if i := d.find(key); i >= 0 {
		return strings.TrimSpace(d.lines[i].value), true
	}
	return "", false
}

// Line is the 1-based line number of the entry that Get reads, 0 for none.
func (d *Document) Line(key string) int {
	if i := d.find(key); i >= 0 {
		return d.lines[i].at
	}
	return 0
}

// Keys are all keys as they compare (ASCII lower case), each once, in the order
// in which the lines that count stand.
func (d *Document) Keys() []string {
	keys := make([]string, 0, len(d.index))
	for i := range d.lines {
		if l := &d.lines[i]; l.kind == entry && d.index[l.folded] == i {
			keys = append(keys, l.folded)
		}
	}
	return keys
}

// find is the position of the line that counts for a key, -1 for none. The
// canonical spelling goes before old ones.
func (d *Document) find(key string) int {
	folded := fold(key)
	if i, ok := d.index[folded]; ok {
		return i
	}
	for _, old := range oldSpellings(folded) {
		if i, ok := d.index[old]; ok {
			return i
		}
	}
	return -1
}
