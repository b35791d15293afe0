package recipe

import (
	"context"
	"io"
	"path"
	"slices"
	"strings"

	"entrechat/internal/core"
)

// Local is this machine.
type Local struct{ Called string }

// Name says what people call it.
func (l Local) Name() string { return l.Called }

// Path is the same path.
func (Local) Path(name string) string { return name }

// Lives is true.
func (Local) Lives() bool { return true }

// Run runs it here.
func (l Local) Run(ctx context.Context, c Command) error {
	if err := c.check(); err != nil {
		return err
	}
	tell(ctx, l.Called, c.Args)
	return local{called: c.Args[0], args: c.Args, env: c.Env, stdin: c.Stdin, stdout: c.Stdout}.run(ctx, l.Called)
}

// Snapshot is a folder that a backup was restored into: files are read below it, commands run here.
type Snapshot struct {
	Local

	Dir string
}

// Path is the path below the folder, wherever ".." in it leads.
func (s Snapshot) Path(name string) string { return path.Join(s.Dir, path.Join("/", name)) }

// Lives is false.
func (Snapshot) Lives() bool { return false }

// check refuses what no side can run.
func (c Command) check() error {
	if len(c.Args) == 0 || c.Args[0] == "" {
		return core.Invalid("succession.recipe.settings", errNoProgram)
	}
	for _, text := range slices.Concat(c.Args, c.Env) {
		if strings.Contains(text, "\x00") {
			return core.Invalid("succession.recipe.settings", errZero)
		}
	}
	return nil
}

// Output runs a program and gives what it printed, at most 64 MiB of it.
func Output(ctx context.Context, s Side, c Command) (string, error) {
	out := &bounded{left: 64 << 20}
	c.Stdout = out
	if err := s.Run(ctx, c); err != nil {
		return "", err
	}
	return out.String(), nil
}

// Shell runs a script of ours by sh on a side, with arguments: "$1" and so on.
func Shell(script string, args ...string) Command {
	return Command{Args: append([]string{"sh", "-c", script, "sh"}, args...)}
}

type traceKey struct{}

// Traced has fn told of each command just before it runs: which side, and its words. For tests that
// break off a step between two commands, and for people who want to see.
func Traced(ctx context.Context, fn func(side string, args []string)) context.Context {
	return context.WithValue(ctx, traceKey{}, fn)
}

func tell(ctx context.Context, side string, args []string) {
	if fn, ok := ctx.Value(traceKey{}).(func(string, []string)); ok {
		fn(side, args)
	}
}

// Pipe runs a program on one side and gives what it prints to a program on the other. When one
// fails the other is ended; the error is the first's.
func Pipe(ctx context.Context, from Side, read Command, to Side, write Command) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, w := io.Pipe()
	read.Stdout, write.Stdin = w, r
	done := make(chan error, 1)
	go func() {
		err := from.Run(ctx, read)
		if err != nil {
			cancel(err)
		}
		done <- err
		_ = w.CloseWithError(err) // never fails; nil is the end of the file
	}()
	err := to.Run(ctx, write)
	if err != nil {
		cancel(err)
	}
	_, _ = io.Copy(io.Discard, r) // what the second did not read; ends with the first
	first := <-done
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	return first
}
