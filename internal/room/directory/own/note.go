package own

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
)

// Topics are what only the hoster can say, of what the collective's charter asks.
// Words: directory.charter.<topic> and directory.charter.<topic>_how.
func Topics() []string {
	return []string{
		"hardware", "suppliers", "admins", "procedures", "log_retention", "incidents", "authority_requests", "economy", "leaving", "packages",
	}
}

// NoteName is where a topic's text lies: plain text beside our files, for any editor.
func NoteName(topic string) string { return "charter-" + topic + ".txt" }

// Note reads a plain text of ours; "" while there is none. Returns CodeInvalid for
// one that is too long, or not plain.
func (o *Files) Note(name string) (string, core.Moment, error) {
	path := filepath.Join(o.n.Dir, name)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", 0, nil
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return "", 0, fmt.Errorf("read %s: %w", name, err)
	}
	return Tidy(string(text)), core.At(info.ModTime()), CheckNote(Tidy(string(text)))
}

// PutNote writes a note; "" empties it. One that says the same keeps its date.
func (o *Files) PutNote(name, text string) error {
	if had, _, err := o.Note(name); err == nil && had == text {
		return nil // its date says when it was written
	}
	if text != "" {
		text += "\n"
	}
	if err := os.MkdirAll(o.n.Dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of own files: %w", err)
	}
	return Replace(o.n.Dir, name, []byte(text))
}

// Tidy makes typed text fit for a file: line ends and spaces around.
func Tidy(s string) string {
	return strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", " ").Replace(s))
}

// LimitsName is where our own words on our limits lie: one a line, as any editor
// may write them. The collective's format has no field for them.
const LimitsName = "limits.txt"

// MaxNote bounds a note, in bytes.
const MaxNote = 8000

// CheckNote returns CodeInvalid for a note that is too long, or not plain.
func CheckNote(text string) error {
	control := func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }
	if len(text) > MaxNote || !utf8.ValidString(text) || strings.ContainsFunc(text, control) {
		return core.Invalid("directory.bad_limits", errors.New("too long or not plain text")).With("Count", MaxNote)
	}
	return nil
}

// Limits are our own words, a line each.
func (o *Files) Limits(context.Context) ([]fit.Limit, error) {
	text, _, err := o.Note(LimitsName)
	var all []fit.Limit
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, fit.Limit{Key: "directory.own_limit", Args: map[string]any{"Text": line}, Said: true})
		}
	}
	return all, err
}
