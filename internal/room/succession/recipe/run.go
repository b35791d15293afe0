package recipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"entrechat/internal/core"
)

var (
	errNoProgram = errors.New("no program to run")
	errZero      = errors.New("a zero byte in an argument")
	errTooMuch   = errors.New("it printed more than is read")
)

// local is a process of this machine, in a group of its own.
type local struct {
	called    string // what runs, for the error
	args, env []string
	stdin     io.Reader
	stdout    io.Writer
	first     func(line string) bool // takes the first line of stderr that it wants; nil = none
}

// run runs it to its end. The whole group is killed when ctx ends, and the process when ours dies.
func (l local) run(ctx context.Context, side string) error {
	said := &lastLines{first: l.first}
	c := exec.CommandContext(ctx, l.args[0], l.args[1:]...) //nolint:gosec // a recipe's words, checked settings
	c.Env = append(os.Environ(), "LC_ALL=C")
	c.Env = append(c.Env, l.env...)
	c.Stdin, c.Stdout, c.Stderr = l.stdin, l.stdout, said
	if c.Stdout == nil {
		c.Stdout = said
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithUs(c.SysProcAttr)
	c.WaitDelay = 5 * time.Second
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	// The kernel ends the process with the thread that began it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := c.Run()
	if err == nil {
		return nil
	}
	return failed(ctx, side, l.called, said.String(), err)
}

// failed is the error of a command.
func failed(ctx context.Context, side, program, said string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	key := core.Unsure("succession.recipe.command", fmt.Errorf("%s on %s: %w: %s", program, side, err, said))
	full := []string{"No space left on device", "Disk quota exceeded", "Wrote only"} // the last is tar's
	if slices.ContainsFunc(full, func(sign string) bool { return strings.Contains(said, sign) }) {
		key = core.Full("succession.recipe.full", key.Err)
	}
	return key.With("Side", side).With("Program", program).With("Said", said)
}

// lastLines keeps the end of what a program said, without the first line that somebody takes.
type lastLines struct {
	first func(line string) bool
	begun []byte // of a line that did not end yet, while first is asked
	text  []byte
}

const lastBytes = 2 << 10

// Write keeps the last of it.
func (l *lastLines) Write(p []byte) (int, error) {
	n := len(p)
	for l.first != nil {
		at := bytes.IndexByte(p, '\n')
		if at < 0 && len(l.begun)+len(p) < lastBytes {
			l.begun = append(l.begun, p...)
			return n, nil
		}
		line := append(l.begun, p[:at+1]...)
		p, l.begun = p[at+1:], nil
		if at < 0 || l.first(strings.TrimSpace(string(line))) {
			l.first = nil
		}
		if at < 0 || l.first != nil {
			l.keep(line)
		}
	}
	l.keep(p)
	return n, nil
}

func (l *lastLines) keep(p []byte) {
	l.text = append(l.text, p...)
	if over := len(l.text) - 2*lastBytes; over > 0 {
		l.text = append(l.text[:0], l.text[over:]...)
	}
}

// String is at most its last five lines, harmless to a terminal.
func (l *lastLines) String() string {
	l.keep(l.begun)
	text := strings.ToValidUTF8(string(l.text[max(0, len(l.text)-lastBytes):]), "")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	lines = lines[max(0, len(lines)-5):]
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, strings.Join(lines, " | "))
}

// bounded keeps what is written up to a number of bytes.
type bounded struct {
	bytes.Buffer

	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(p) > b.left {
		return 0, errTooMuch
	}
	b.left -= len(p)
	return b.Buffer.Write(p)
}
