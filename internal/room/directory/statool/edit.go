package statool

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"entrechat/internal/core"
)

// A key as we write it: words in lower case joined by dots, two at least.
var strictKey = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9_-]+)+$`)

// Set writes one value, strictly: the line that counts keeps its place and its
// style and takes the canonical spelling of the key; earlier lines with the same
// key go; a new key goes behind its nearest relatives. A line that says it already,
// canonically, is left alone. Every other line keeps its bytes. Newlines in
// the value are written as \n. Returns CodeInvalid for a key that we would not
// write and for control characters.
func (d *Document) Set(key, value string) error {
	if !strictKey.MatchString(key) {
		return core.Invalid("directory.statool.bad_key", fmt.Errorf("%.80q is no key", key)).With("Field", shown(key))
	}
	if !utf8.ValidString(value) || strings.ContainsFunc(value, forbidden) || strings.TrimSpace(value) != value {
		return core.Invalid("directory.statool.bad_text", fmt.Errorf("%s: %.80q cannot be written", key, value)).With("Field", key)
	}
	i := d.find(key)
	if i >= 0 && d.lines[i].key == key && strings.TrimSpace(d.lines[i].value) == value && d.count(key) == 1 {
		return nil
	}
	if i < 0 {
		i = d.insert(key)
	}
	d.replace(i, key, value)
	d.forget(key, i)
	return nil
}

// Delete removes every line of a key, old spellings too, and says whether there
// was one.
func (d *Document) Delete(key string) bool {
	before := len(d.lines)
	d.forget(fold(key), -1)
	return len(d.lines) < before
}

// forbidden characters have no place in a value: control characters, and those
// that turn the direction of the text around them.
func forbidden(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < ' ', 0x7f <= r && r < 0xa0, r == utf8.RuneError:
		return true
	}
	return r == 0x061c || r == 0x200e || r == 0x200f || 0x2028 <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069 || r == 0xfeff
}

// count is how many lines say something about a key.
func (d *Document) count(key string) int {
	n := 0
	for i := range d.lines {
		if d.speaksOf(i, key) {
			n++
		}
	}
	return n
}

func (d *Document) speaksOf(i int, key string) bool {
	l := &d.lines[i]
	return l.kind == entry && (l.folded == key || slices.Contains(oldSpellings(key), l.folded))
}

// forget removes the lines of a key, but not the one at position except.
func (d *Document) forget(key string, except int) {
	left := d.lines[:0:0]
	for i := range d.lines {
		if i == except || !d.speaksOf(i, key) {
			left = append(left, d.lines[i])
		}
	}
	d.lines = left
	d.renumber()
}

// replace writes key and value into line i.
func (d *Document) replace(i int, key, value string) {
	l := d.lines[i]
	head, separator, end := l.raw[:l.keyAt], l.raw[l.keyEnd:l.valueAt], l.raw[l.valueEnd:]
	if l.flaws.separator || strings.ContainsAny(separator, "\\\r\n") {
		separator = " = "
	}
	d.lines[i] = scan(head + key + separator + encode(value, d.ascii()) + end)[0]
}

// insert makes a line for a new key and says where: behind the last entry that
// shares the longest beginning with it, or at the end under a title.
func (d *Document) insert(key string) int {
	best, near := 0, -1
	for i := range d.lines {
		if l := &d.lines[i]; l.kind == entry {
			if n := shared(l.folded, key); n > 0 && n >= best {
				best, near = n, i
			}
		}
	}
	separator, at := " = ", near+1
	if near < 0 {
		at = len(d.lines)
	} else if l := &d.lines[near]; !l.flaws.separator && !strings.ContainsAny(l.raw[l.keyEnd:l.valueAt], "\\\r\n") {
		separator = l.raw[l.keyEnd:l.valueAt]
	}
	// A line behind a dangling backslash would become a part of its value.
	if at > 0 && d.lines[at-1].flaws.dangling {
		at--
	}
	eol := d.newline(at)
	if at > 0 && !strings.HasSuffix(d.lines[at-1].raw, "\n") && !strings.HasSuffix(d.lines[at-1].raw, "\r") {
		d.lines[at-1].raw += eol
	}
	made := scan(key + separator + eol)
	if near < 0 {
		made = append(d.title(at, key, eol), made...)
	}
	d.lines = slices.Insert(d.lines, at, made...)
	d.renumber()
	return at + len(made) - 1
}

// title is an empty line, where one is missing, and the name of the section, in
// the way the published models have it.
func (d *Document) title(at int, key, eol string) []line {
	section, _, _ := strings.Cut(key, ".")
	head := "# [" + strings.ToUpper(section[:1]) + section[1:] + "]" + eol
	if at > 0 && d.lines[at-1].kind != blank {
		head = eol + head
	}
	return scan(head)
}

// shared counts the words at the beginning that two keys have in common.
func shared(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	return n
}

// newline is the line end for a line at position at: that of the line before, so
// that CR and LF of two lines never meet as one end; else that of the first line;
// else LF.
func (d *Document) newline(at int) string {
	for _, i := range []int{at - 1, 0} {
		if i >= 0 && i < len(d.lines) && d.lines[i].valueEnd < len(d.lines[i].raw) {
			return d.lines[i].raw[d.lines[i].valueEnd:]
		}
	}
	return "\n"
}

// ascii says that what we add should be ASCII: the document has bytes that are
// not UTF-8, and UTF-8 beside them would be read wrongly by whoever guesses.
func (d *Document) ascii() bool {
	return slices.ContainsFunc(d.lines, func(l line) bool { return l.flaws.latin1 })
}

func (d *Document) renumber() {
	at := 1
	for i := range d.lines {
		l := &d.lines[i]
		l.at = at
		at += max(1, strings.Count(l.raw, "\n")+strings.Count(l.raw, "\r")-strings.Count(l.raw, "\r\n"))
	}
	d.reindex()
}

// encode writes a value so that decoding gives it back.
func encode(value string, ascii bool) string {
	var out strings.Builder
	for _, r := range value {
		switch {
		case r == '\\':
			out.WriteString(`\\`)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case ascii && r >= utf8.RuneSelf:
			writeUnicode(&out, r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

func writeUnicode(out *strings.Builder, r rune) {
	if r > 0xffff {
		r -= 0x10000
		fmt.Fprintf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		return
	}
	fmt.Fprintf(out, `\u%04x`, r)
}
