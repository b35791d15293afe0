package recipe_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
	"entrechat/internal/room/succession/recipe/recipetest"
)

// sides are this machine, and this machine through the real ssh program.
func sides(t *testing.T, fn func(t *testing.T, s recipe.Side, seen func() string)) {
	t.Run("local", func(t *testing.T) { fn(t, recipe.Local{Called: "new"}, func() string { return "" }) })
	t.Run("ssh", func(t *testing.T) {
		d := recipetest.NewSSHD(t)
		s, err := d.Place.Side("new")
		if err != nil {
			t.Fatal(err)
		}
		fn(t, s, d.Seen)
	})
}

// Words, environment and what is read arrive as they were, and secrets are not among the words.
func TestACommandArrivesAsItIs(t *testing.T) {
	sides(t, func(t *testing.T, s recipe.Side, seen func() string) {
		odd := []string{"", " ", "a'b", `"\$(id)`, "two\nlines", "-n", "é*?", "`x`", "'"}
		out, err := recipe.Output(t.Context(), s, recipe.Command{
			Args:  append([]string{"sh", "-c", `printf '%s|' "$SECRET" "$LC_ALL"; cat; printf '|%s' "$@"`, "sh"}, odd...),
			Env:   []string{"SECRET=it's $HOME \\ hidden"},
			Stdin: strings.NewReader("first\nsecond"),
		})
		want := "it's $HOME \\ hidden|C|first\nsecond|" + strings.Join(odd, "|")
		if err != nil || out != want {
			t.Errorf("%q, wanted %q; %v", out, want, err)
		}
		if strings.Contains(seen(), "hidden") {
			t.Errorf("a secret among the words: %s", seen())
		}
	})
}

func TestAnyWordsArrive(t *testing.T) {
	d := recipetest.NewSSHD(t)
	s, err := d.Place.Side("new")
	if err != nil {
		t.Fatal(err)
	}
	some := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("a '\"\\$`!*?~#\n;&|<>(){}=-é")), 0, 9, -1), 20, 60)
	for seed := range 8 {
		words := some.Example(seed)
		out, err := recipe.Output(t.Context(), s, recipe.Command{Args: append([]string{"printf", "%s/"}, words...)})
		if want := strings.Join(words, "/") + "/"; err != nil || out != want {
			t.Errorf("%q, wanted %q; %v", out, want, err)
		}
	}
}

func TestAFailureSaysTheLastLines(t *testing.T) {
	sides(t, func(t *testing.T, s recipe.Side, _ func() string) {
		err := s.Run(t.Context(), recipe.Shell(`for i in 1 2 3 4 5 6 7; do echo "line $i" >&2; done; printf '\033[31mred\007\n' >&2; exit 3`))
		said, ok := errors.AsType[*core.Error](err)
		if !ok || said.Code != core.CodeUnsure || said.Key != "succession.recipe.command" || said.Args["Side"] != "new" || said.Args["Program"] != "sh" ||
			said.Args["Said"] != "line 4 | line 5 | line 6 | line 7 | [31mred" {
			t.Errorf("%#v", said)
		}
		if err := s.Run(t.Context(), recipe.Shell(`echo "tar: x: No space left on device" >&2; exit 2`)); core.CodeOf(err) != core.CodeFull {
			t.Errorf("a full disk: %v", err)
		}
		for _, bad := range []recipe.Command{{}, {Args: []string{"a\x00b"}}} {
			if err := s.Run(t.Context(), bad); core.CodeOf(err) != core.CodeInvalid {
				t.Errorf("%q: %v", bad.Args, err)
			}
		}
	})
}

// gone waits until a process is no more.
func gone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-time.After(20 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	t.Errorf("process %d lives on", pid)
}

// All that a command started ends with its context, at the far side too.
func TestEverythingEndsWithTheContext(t *testing.T) {
	sides(t, func(t *testing.T, s recipe.Side, _ func() string) {
		note := filepath.Join(t.TempDir(), "pids")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- s.Run(ctx, recipe.Shell(`sleep 600 & echo "$$ $!" > "$1.part"; mv "$1.part" "$1"; sleep 601`, note))
		}()
		var pids []string
		for len(pids) < 2 {
			text, _ := os.ReadFile(note)
			pids = strings.Fields(string(text))
			select {
			case err := <-done:
				t.Fatalf("it ended by itself: %v", err)
			case <-time.After(10 * time.Millisecond):
			}
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		for _, text := range pids {
			pid, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			gone(t, pid)
		}
	})
}

// A pipe ends with the first of the two that fails, and with its error.
func TestPipe(t *testing.T) {
	sides(t, func(t *testing.T, s recipe.Side, _ func() string) {
		here := recipe.Local{Called: "old"}
		for name, c := range map[string]struct {
			read, write recipe.Command
			side        string
		}{
			"both well":        {recipe.Shell("seq 100000"), recipe.Shell("test $(wc -l) = 100000"), ""},
			"not all is read":  {recipe.Shell("seq 1000"), recipe.Shell("head -1 >/dev/null"), ""},
			"the reader fails": {recipe.Shell("seq 10; exit 3"), recipe.Shell("cat >/dev/null"), "old"},
			"the writer fails": {recipe.Shell("yes"), recipe.Shell("exit 4"), "new"},
		} {
			err := recipe.Pipe(t.Context(), here, c.read, s, c.write)
			said, _ := errors.AsType[*core.Error](err)
			if (err == nil) != (c.side == "") || c.side != "" && (said == nil || said.Args["Side"] != c.side) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A connection that breaks is an error, and the next command works.
func TestAConnectionBreaks(t *testing.T) {
	d := recipetest.NewSSHD(t)
	s, err := d.Place.Side("old")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context(), recipe.Command{Args: []string{"sleep", "600"}}) }()
	for d.Running() == 0 {
		select {
		case err := <-done:
			t.Fatal(err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	d.Cut()
	if err := <-done; core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("%v", err)
	}
	if err := s.Run(t.Context(), recipe.Command{Args: []string{"true"}}); err != nil {
		t.Error(err)
	}
}

func TestPlaces(t *testing.T) {
	for text, want := range map[string]string{
		"": "local", "[from]\nhost = 'local'": "local", "[from]\nhost = 'old.example.org'\nuser = 'root'\nport = 22": "ssh",
		"[from]\nsnapshot = '/srv/restored'": "snapshot", "[from]\nsnapshot = 'srv'": "", "[from]\nhost = '-oProxyCommand=x'": "",
		"[from]\nhost = 'a b'": "", "[from]\nuser = 'root'": "", "[from]\nhost = 'a'\nsnapshot = '/x'": "", "[to]\nsnapshot = '/srv/x'": "",
		"[from]\nhost = 'a'\nuser = '-x'": "", "[from]\nhost = 'a'\nport = 70000": "", "[from]\nhots = 'a'": "", "[from": "", "from = 3": "",
	} {
		var s recipe.Sides
		err := recipe.ReadSettings([]byte(text), &s)
		var from recipe.Side
		if err == nil {
			from, _, err = s.Open()
		}
		got := ""
		switch from.(type) {
		case recipe.Snapshot:
			got = "snapshot"
		case recipe.Local:
			got = "local"
		case recipe.SSH:
			got = "ssh"
		}
		if got != want || (want == "") != (core.CodeOf(err) == core.CodeInvalid) {
			t.Errorf("%q is %q; %v", text, got, err)
		}
	}
}

func TestASnapshotIsNotLeft(t *testing.T) {
	s := recipe.Snapshot{Dir: "/srv/restored"}
	for name, want := range map[string]string{"/var/lib": "/srv/restored/var/lib", "/../../etc": "/srv/restored/etc", "x/../..": "/srv/restored"} {
		if got := s.Path(name); got != want {
			t.Errorf("%s is %s", name, got)
		}
	}
}
