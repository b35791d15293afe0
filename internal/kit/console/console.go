// Package console prints what commands answer: sentences and tables for people,
// JSON for programs, the same value behind both.
package console

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"entrechat/internal/kit/words"
)

// Out is where one command prints.
type Out struct {
	W    io.Writer
	Err  io.Writer
	In   io.Reader
	JSON bool // --json: one JSON value on W and nothing else
	P    *words.Printer
}

// TTY says whether a person watches W.
func (o *Out) TTY() bool {
	f, ok := o.W.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) //nolint:gosec // a descriptor fits an int
}

// Emit prints v as indented JSON when asked to, otherwise lets human say it.
func (o *Out) Emit(v any, human func()) error {
	if !o.JSON {
		human()
		return nil
	}
	enc := json.NewEncoder(o.W)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Say prints the sentence of a key.
func (o *Out) Say(key string, args map[string]any) { o.Line(o.P.T(key, args)) }

// Line prints text as it is.
func (o *Out) Line(text string) {
	fmt.Fprintln(o.W, text) //nolint:errcheck // a closed pipe has no reader to tell
}

// Note prints a sentence beside the answer: on the error stream, so that JSON
// stays alone.
func (o *Out) Note(key string, args map[string]any) {
	fmt.Fprintln(o.Err, o.P.T(key, args)) //nolint:errcheck // see Line
}

// Table prints rows under a head whose cells are word keys; columns are padded to
// their widest cell.
func (o *Out) Table(keys []string, rows [][]string) {
	head := make([]string, len(keys))
	for i, key := range keys {
		head[i] = o.P.T(key, nil)
	}
	widths := make([]int, len(keys))
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range append([][]string{head}, rows...) {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		o.Line(strings.TrimRight(b.String(), " "))
	}
}
