package recipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
)

// SSH is a machine that the ssh program of this one reaches, with its own configuration, keys and
// known hosts. Nobody is asked for a password. The far side needs a POSIX shell.
type SSH struct {
	Called  string
	Host    string
	User    string   // empty = as ssh is configured
	Port    int      // 0 = as ssh is configured
	Key     string   // file of a private key; empty = as ssh is configured
	Options []string // "Name=value", each after -o
}

// Name says what people call it.
func (s SSH) Name() string { return s.Called }

// Path is the same path.
func (SSH) Path(name string) string { return name }

// Lives is true.
func (SSH) Lives() bool { return true }

// far is what runs at the far side first: it tells its process group, so that it can be killed, and
// takes the environment from the first line of what it reads, so that no secret is among the words
// of a process.
const far = `g=$(s=$(cat /proc/$$/stat 2>/dev/null); set -- ${s##*\) }; echo "${3:-0}"); echo "entrechat-group $g" >&2; IFS= read -r e && eval "$e" && exec "$@"`

var group = regexp.MustCompile(`^entrechat-group ([0-9]+)$`)

// Run runs it there. When ctx ends the group at the far side is killed by a second connection, if
// one can be made; where none can, what runs there ends when it reads or writes.
func (s SSH) Run(ctx context.Context, c Command) error {
	if err := c.check(); err != nil {
		return err
	}
	tell(ctx, s.Called, c.Args)
	env, err := exports(append([]string{"LC_ALL=C"}, c.Env...))
	if err != nil {
		return err
	}
	var stdin io.Reader = strings.NewReader(env)
	if c.Stdin != nil {
		stdin = io.MultiReader(stdin, c.Stdin)
	}
	number := 0
	err = local{
		called: c.Args[0], args: s.args("exec " + quoted(append([]string{"sh", "-c", far, "sh"}, c.Args...))), stdin: stdin, stdout: c.Stdout,
		first: func(line string) bool {
			m := group.FindStringSubmatch(line)
			if m != nil {
				number, _ = strconv.Atoi(m[1]) // digits; 0 where it is too large
			}
			return m != nil
		},
	}.run(ctx, s.Called)
	if ctx.Err() != nil && number > 1 {
		s.kill(context.WithoutCancel(ctx), number)
	}
	return err
}

// kill ends a process group at the far side.
func (s SSH) kill(ctx context.Context, number int) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	_ = local{called: "kill", args: s.args(fmt.Sprintf("kill -9 -%d", number))}.run(ctx, s.Called) // it may have ended
}

func (s SSH) args(command string) []string {
	args := []string{
		"ssh", "-T", "-x", "-a", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4",
		"-o", "ClearAllForwardings=yes", "-o", "LogLevel=ERROR",
	}
	for _, option := range s.Options {
		args = append(args, "-o", option)
	}
	if s.Port != 0 {
		args = append(args, "-p", strconv.Itoa(s.Port))
	}
	if s.Key != "" {
		args = append(args, "-i", s.Key)
	}
	if s.User != "" {
		args = append(args, "-l", s.User)
	}
	return append(args, "--", s.Host, command)
}

// quoted makes words that a shell reads as they are.
func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(out, " ")
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// exports is one line of shell that sets variables.
func exports(env []string) (string, error) {
	words := make([]string, 1, 1+len(env))
	words[0] = "export"
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		if !variable.MatchString(name) || strings.ContainsAny(value, "\n\r") {
			return "", core.Invalid("succession.recipe.settings", errors.New("a variable that cannot be carried over ssh: "+name)).With("What", name)
		}
		words = append(words, name+"="+quoted([]string{value}))
	}
	return strings.Join(words, " ") + "\n", nil
}
