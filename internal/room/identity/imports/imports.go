package imports

import (
	"bytes"
	"embed"
	"errors"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
)

// Words are the sentences of the findings and commands.
//
//go:embed words/*.toml
var Words embed.FS

// The bounds of an import.
const (
	MaxBytes   = 64 << 20 // of a file
	MaxRecords = 50_000
	maxValue   = 4096 // bytes of one value that we use; longer ones are left out
	maxGroups  = 50   // of one person
)

// Format is a kind of file.
type Format string

// The formats.
const (
	LDIF     Format = "ldif"
	CSV      Format = "csv"
	Htpasswd Format = "htpasswd"
)

// ParseFormat reads the name of a format; empty is empty: by the file's content. Returns
// CodeInvalid "identity.imports.format".
func ParseFormat(s string) (Format, error) {
	switch f := Format(strings.ToLower(strings.TrimSpace(s))); f {
	case "", LDIF, CSV, Htpasswd:
		return f, nil
	default:
		return "", core.Invalid("identity.imports.format", errors.New("no such format")).With("Format", s)
	}
}

// Record is what a file says of one person.
type Record struct {
	Line   int    // where it begins, from 1
	UID    string // what the directory calls them; never empty
	Name   string
	Mail   string   // the first address
	More   []string // further addresses: we keep none of them
	Hash   string   // of the password, as it stands; empty = none
	Lang   string   // "fr", "en" or empty
	Groups []string // by name
}

// String keeps the hash out of what is printed by mistake.
func (r Record) String() string { return "the record of line " + itoa(r.Line) }

// GoString is String, for %#v.
func (r Record) GoString() string { return r.String() }

// Finding is something to say about a line. Its Args hold no secret.
type Finding struct {
	Line int            `json:"line,omitzero"` // 0 = the whole file
	Key  string         `json:"key"`           // words key
	Args map[string]any `json:"args,omitempty"`
}

// Read reads a file of any of the formats; an empty format is found out. Returns CodeInvalid
// for a file that is too large, holds too many people, or cannot be read.
func Read(name string, text []byte, f Format) ([]Record, []Finding, error) {
	if len(text) > MaxBytes {
		return nil, nil, core.Invalid("identity.imports.too_big", nil).With("Most", core.Size(MaxBytes))
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	if f == "" {
		f = detect(name, text)
	}
	var r reader
	var err error
	switch f {
	case LDIF:
		err = r.ldif(text)
	case CSV:
		err = r.csv(text)
	case Htpasswd:
		err = r.htpasswd(text)
	default:
		err = core.Invalid("identity.imports.unknown", errors.New("none of the formats"))
	}
	if err == nil && len(r.records) == 0 {
		err = core.Invalid("identity.imports.nobody", errors.New("no people in it"))
	}
	if err != nil {
		return nil, r.findings, err
	}
	return r.records, r.findings, nil
}

// detect tells a format by the name of the file, then by its first lines.
func detect(name string, text []byte) Format {
	base := strings.ToLower(path.Base(name))
	switch {
	case strings.HasSuffix(base, ".ldif"):
		return LDIF
	case strings.HasSuffix(base, ".csv"), strings.HasSuffix(base, ".tsv"):
		return CSV
	case strings.Contains(base, "htpasswd"):
		return Htpasswd
	}
	for line := range strings.Lines(string(text[:min(len(text), 64<<10)])) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			continue
		case strings.HasPrefix(strings.ToLower(line), "dn:"), strings.HasPrefix(strings.ToLower(line), "version:"):
			return LDIF
		case strings.ContainsAny(line, ",;\t") && !strings.Contains(line, ":"):
			return CSV
		case strings.Contains(line, ":"):
			return Htpasswd
		}
		return ""
	}
	return ""
}

// reader collects what a file holds.
type reader struct {
	records  []Record
	findings []Finding
}

const maxFindings = 1000

func (r *reader) say(line int, key string, args map[string]any) {
	if len(r.findings) < maxFindings {
		r.findings = append(r.findings, Finding{line, key, args})
	}
}

// add takes a record. Returns CodeInvalid for one too many.
func (r *reader) add(rec Record) error {
	rec.UID = tidy(rec.UID)
	if rec.UID == "" {
		r.say(rec.Line, "identity.imports.no_uid", nil)
		return nil
	}
	if len(r.records) >= MaxRecords {
		return core.Invalid("identity.imports.too_many", nil).With("Most", MaxRecords)
	}
	rec.Name, rec.Mail, rec.Lang = tidy(rec.Name), tidy(rec.Mail), lang(rec.Lang)
	r.records = append(r.records, rec)
	return nil
}

// tidy is a text on one line, without what cannot be seen.
func tidy(s string) string {
	if len(s) > maxValue || !utf8.ValidString(s) {
		return ""
	}
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)), " ")
}

func lang(s string) string {
	s = strings.ToLower(s)
	switch {
	case strings.HasPrefix(s, "fr"):
		return "fr"
	case strings.HasPrefix(s, "en"):
		return "en"
	}
	return ""
}
