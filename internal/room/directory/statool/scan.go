package statool

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

type kind uint8

const (
	blank kind = iota
	comment
	entry
)

// line is one logical line: an entry may run over several natural lines, each but
// the last ending in a backslash. raw[:keyAt] is indentation, raw[keyAt:keyEnd]
// the key as written, raw[keyEnd:valueAt] the separator with its spaces,
// raw[valueAt:valueEnd] the value as written, raw[valueEnd:] the line end.
type line struct {
	raw    string
	key    string // decoded, case as written
	folded string // key in lower case
	value  string // decoded, valid UTF-8, spaces at its end kept
	at     int    // 1-based number of its first natural line
	kind   kind
	flaws  flaws

	keyAt, keyEnd, valueAt, valueEnd int
}

// flaws are what the scanner had to forgive in one line.
type flaws struct {
	latin1    bool // not UTF-8: read as Windows-1252
	escape    bool // a \u without four hexadecimal digits, or half a pair
	dangling  bool // a backslash at the very end of the file
	separator bool // no "=" between key and value
}

const spaces = " \t\f"

// scan cuts a text into lines; the raw parts joined are the text again.
func scan(text string) []line {
	lines := make([]line, 0, 1+strings.Count(text, "\n"))
	for pos, number := 0, 1; pos < len(text); {
		end, next := natural(text, pos)
		l := line{at: number, kind: entry}
		switch body := strings.TrimLeft(text[pos:end], spaces); {
		case body == "":
			l.kind = blank
		case body[0] == '#' || body[0] == '!':
			l.kind = comment
		}
		number++
		for l.kind == entry && continues(text[pos:end]) && next > end && next < len(text) {
			end, next = natural(text, next)
			number++
		}
		l.raw, l.valueEnd = text[pos:next], end-pos
		if l.kind == entry {
			l.parse()
		} else {
			l.flaws.latin1 = !utf8.ValidString(l.raw)
		}
		lines = append(lines, l)
		pos = next
	}
	return lines
}

// natural finds the end of the natural line at pos, without and with its line
// end: LF, CRLF or a lone CR.
func natural(text string, pos int) (end, next int) {
	i := strings.IndexAny(text[pos:], "\r\n")
	if i < 0 {
		return len(text), len(text)
	}
	end = pos + i
	if strings.HasPrefix(text[end:], "\r\n") {
		return end, end + 2
	}
	return end, end + 1
}

// continues says that a natural line ends in an odd number of backslashes.
func continues(body string) bool {
	return (len(body)-len(strings.TrimRight(body, `\`)))%2 == 1
}

// parse finds key, separator and value of an entry.
// spec: docs/spec/statoolinfos.md#lines
func (l *line) parse() {
	body := l.raw[:l.valueEnd]
	d := decoder{text: body, latin1: !utf8.ValidString(body)}
	d.skip(spaces)
	l.keyAt = d.pos
	l.key = d.until(spaces + "=:")
	l.keyEnd = d.pos
	d.skip(spaces)
	l.flaws.separator = d.pos == len(body) || body[d.pos] != '='
	if d.pos < len(body) && strings.IndexByte("=:", body[d.pos]) >= 0 {
		d.pos++
		d.skip(spaces)
	}
	l.valueAt = d.pos
	l.value = d.until("")
	l.folded = fold(l.key)
	l.flaws.latin1, l.flaws.escape, l.flaws.dangling = d.latin1, d.badEscape, d.dangling
}

// fold is the key as it is compared: ASCII letters in lower case, others as they
// are, so that no two letters of other scripts become one.
func fold(key string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, key)
}

// decoder reads the escapes of java.util.Properties, and nothing else: "${…}" is
// three characters and a name.
type decoder struct {
	text      string
	pos       int
	latin1    bool
	badEscape bool
	dangling  bool
}

// skip passes the given characters, and line continuations among them.
func (d *decoder) skip(set string) {
	for d.pos < len(d.text) {
		if strings.IndexByte(set, d.text[d.pos]) >= 0 {
			d.pos++
		} else if !d.continuation() {
			return
		}
	}
}

// continuation passes a backslash, a line end and the spaces behind it.
func (d *decoder) continuation() bool {
	rest := d.text[d.pos:]
	if len(rest) < 2 || rest[0] != '\\' || (rest[1] != '\n' && rest[1] != '\r') {
		return false
	}
	d.pos += 2
	if strings.HasPrefix(rest[1:], "\r\n") {
		d.pos++
	}
	for d.pos < len(d.text) && strings.IndexByte(spaces, d.text[d.pos]) >= 0 {
		d.pos++
	}
	return true
}

// until decodes up to the first of the stop characters that is not escaped, or
// to the end.
func (d *decoder) until(stop string) string {
	var out strings.Builder
	for d.pos < len(d.text) {
		if d.continuation() {
			continue
		}
		switch c := d.text[d.pos]; {
		case strings.IndexByte(stop, c) >= 0:
			return out.String()
		case c == '\\':
			d.escape(&out)
		case d.latin1:
			out.WriteRune(charmap.Windows1252.DecodeByte(c))
			d.pos++
		default:
			out.WriteByte(c)
			d.pos++
		}
	}
	return out.String()
}

func (d *decoder) escape(out *strings.Builder) {
	d.pos++
	if d.pos == len(d.text) {
		d.dangling = true
		return
	}
	switch c := d.text[d.pos]; c {
	case 'n':
		out.WriteByte('\n')
	case 'r':
		out.WriteByte('\r')
	case 't':
		out.WriteByte('\t')
	case 'f':
		out.WriteByte('\f')
	case 'u':
		d.unicode(out)
		return
	default:
		if c >= utf8.RuneSelf {
			return // the next round reads it, whatever its encoding
		}
		out.WriteByte(c)
	}
	d.pos++
}

// unicode reads \uXXXX, and a pair of them for characters beyond 16 bits. What is
// not four digits stays as it was written.
func (d *decoder) unicode(out *strings.Builder) {
	r, ok := hex4(d.text[d.pos+1:])
	if !ok {
		d.badEscape = true
		out.WriteString(`\u`)
		d.pos++
		return
	}
	d.pos += 5
	if !utf16.IsSurrogate(r) {
		out.WriteRune(r)
		return
	}
	if rest, found := strings.CutPrefix(d.text[d.pos:], `\u`); found {
		if low, ok := hex4(rest); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
			out.WriteRune(utf16.DecodeRune(r, low))
			d.pos += 6
			return
		}
	}
	d.badEscape = true
	out.WriteRune(utf8.RuneError)
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:4], 16, 16)
	return rune(n), err == nil
}
