// Package console prints what commands answer: sentences and tables for people,
// JSON for programs, the same value behind both.
//
// Much of what is printed was written by other members. Nothing that could move
// the cursor, colour the terminal or turn the reading direction gets through to
// a person's screen.
package console

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

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

	failed error // the first write to W that failed
}

// TTY says whether a person watches W.
func (o *Out) TTY() bool {
	f, ok := o.W.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Emit prints v as indented JSON when asked to, otherwise lets human say it. An error
// says that not all of it was written: what is shown only once was not seen.
func (o *Out) Emit(v any, human func()) error {
	if !o.JSON {
		human()
		return o.failed
	}
	enc := json.NewEncoder(o.W)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Say prints the sentence of a key.
func (o *Out) Say(key string, args map[string]any) { o.Line(o.P.T(key, args)) }

// Line prints text, one line or several, harmless to a terminal.
func (o *Out) Line(text string) {
	if _, err := fmt.Fprintln(o.W, harmless(text)); err != nil && o.failed == nil {
		o.failed = err
	}
}

// Note prints a sentence beside the answer: on the error stream, so that JSON
// stays alone.
func (o *Out) Note(key string, args map[string]any) {
	fmt.Fprintln(o.Err, harmless(o.P.T(key, args)))
}

// Table prints rows under a head whose cells are word keys; columns are padded to
// their widest cell. A cell is one line: a break in it becomes a space.
func (o *Out) Table(keys []string, rows [][]string) {
	head := make([]string, len(keys))
	for i, key := range keys {
		head[i] = o.P.T(key, nil)
	}
	lines := make([][]string, 0, len(rows)+1)
	var widths []int
	for _, row := range append([][]string{head}, rows...) {
		line := make([]string, len(row))
		for i, cell := range row {
			line[i] = harmless(strings.Join(strings.Fields(cell), " "))
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(line[i]))
		}
		lines = append(lines, line)
	}
	for _, line := range lines {
		var b strings.Builder
		for i, cell := range line {
			b.WriteString(cell + strings.Repeat(" ", widths[i]-columns(cell)+2))
		}
		o.Line(strings.TrimRight(b.String(), " "))
	}
}
