package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Printer says sentences in the person's language; words.Printer is one.
type Printer interface {
	T(key string, args map[string]any) string
}

// teller prints the story: one line per step with its time; on a terminal a
// running step shows where it is.
type teller struct {
	out   io.Writer
	tty   bool
	words Printer

	mu    sync.Mutex
	steps []step
}

// step is one line of the last table.
type step struct {
	name string
	took time.Duration
	note string
}

// args is shorthand for the places of a sentence.
type args = map[string]any

func (t *teller) title(key string, a args) {
	t.line("\n" + t.words.T(key, a))
}

func (t *teller) line(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(t.out, text)
}

// do runs one step. note is what it has to say at its end; progress replaces the
// running line on a terminal.
func (t *teller) do(key string, a args, run func(progress func(string)) (note string, err error)) error {
	name := t.words.T(key, a)
	begun := time.Now()
	show := func(text string) {
		if !t.tty {
			return
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		fmt.Fprintf(t.out, "\r\x1b[K  … %s %s", name, text)
	}
	show("")
	note, err := run(show)
	took := time.Since(begun)
	if t.tty {
		fmt.Fprint(t.out, "\r\x1b[K")
	}
	mark := "✓"
	if err != nil {
		mark = "✗"
	}
	text := fmt.Sprintf("  %s %s  (%s)", mark, name, seconds(took))
	if note != "" {
		text += "\n      " + strings.ReplaceAll(note, "\n", "\n      ")
	}
	t.line(text)
	t.steps = append(t.steps, step{name: name, took: took, note: note})
	return err
}

func seconds(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// table prints rows under heads, columns padded to their widest cell.
func (t *teller) table(head []string, rows [][]string) {
	widths := make([]int, len(head))
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for n, row := range append([][]string{head}, rows...) {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString("  " + cell + strings.Repeat(" ", widths[i]-len([]rune(cell))))
		}
		t.line(strings.TrimRight(b.String(), " "))
		if n == 0 {
			total := 0
			for _, w := range widths {
				total += w + 2
			}
			t.line("  " + strings.Repeat("-", total-2))
		}
	}
}
