package app

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
)

// everyCommand are the words of each command that does something, with as many
// arguments as it asks for.
func everyCommand(t *testing.T, c *cobra.Command, path []string) (all [][]string) {
	t.Helper()
	for _, sub := range c.Commands() {
		all = append(all, everyCommand(t, sub, append(slices.Clone(path), sub.Name()))...)
	}
	if !c.Runnable() || c.HasSubCommands() {
		return all
	}
	for n := range 4 {
		given := slices.Repeat([]string{"chaton-b.test"}, n)
		if c.Args == nil || c.Args(c, given) == nil {
			return append(all, append(slices.Clone(path), given...))
		}
	}
	t.Fatalf("%v: takes no number of arguments", path)
	return nil
}

// works are the commands that need no logbook: they make or bring back a node, or have
// nothing to do with it.
var works = []string{
	"init", "version", "demo", "help", "completion", "config example", "vault recover", "directory validate", "directory draft", "directory check", "custody share check", "custody proof answer", "succession move recipes", "succession move new", "succession readonly",
}

// Without a logbook, whatever the reason, every command says what is the matter and
// what to do, and none crashes or makes anything. Every command is tried without a database;
// for the other reasons, which all commands ask one place about, every fifth.
func TestEveryCommandWithoutALogbook(t *testing.T) {
	catalogue, err := words.New(allWords()...)
	if err != nil {
		t.Fatal(err)
	}
	lost := func(t *testing.T, data string) {
		remove(t, data, datadir.DatabaseName, datadir.DatabaseName+"-wal", datadir.DatabaseName+"-shm")
	}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, data string)
		says  string
		every int // 0 = every command is tried
	}{
		"database lost": {lost, "no logbook of chaton-a.test", 0},
		"another database": {func(t *testing.T, data string) {
			lost(t, data)
			fresh, err := db.Open(t.Context(), "sqlite:"+filepath.Join(data, datadir.DatabaseName))
			if err := errors.Join(err, fresh.Close()); err != nil {
				t.Fatal(err)
			}
		}, "no logbook of chaton-a.test", 5},
		"init broke off": {func(t *testing.T, data string) {
			if err := os.WriteFile(filepath.Join(data, datadir.UnfinishedName), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "init", 5},
		"nobody gave it back": {func(t *testing.T, data string) {
			lost(t, data)
			a, err := Open(t.Context(), data, catalogue, "en", quiet())
			if err != nil {
				t.Fatal(err)
			}
			err = a.Book.Follow(t.Context(), a.Signer.ID(), "https://chaton-a.test", core.RootKey{1})
			if err := errors.Join(err, a.Close()); err != nil {
				t.Fatal(err)
			}
		}, "vault recover", 5},
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "n")
			if err := Init(t.Context(), data, Place{Origin: "chaton-a.test"}, "", func(seal.Seed) error { return nil }); err != nil {
				t.Fatal(err)
			}
			c.spoil(t, data)
			before := listing(t, data)
			l := &cli{words: catalogue, out: console.Out{W: &bytes.Buffer{}, Err: &bytes.Buffer{}, In: strings.NewReader(""), P: catalogue.Printer("en")}}
			tried := 0
			for i, command := range everyCommand(t, l.root(), nil) {
				if c.every > 1 && i%c.every != 0 {
					continue
				}
				if slices.ContainsFunc(works, func(w string) bool { return strings.HasPrefix(strings.Join(command, " "), w) }) {
					continue
				}
				tried++
				status, said := run(append(command, "--lang", "en", "--data", data))
				if status == 0 || !strings.Contains(said, c.says) && !strings.Contains(said, "--help") || strings.ContainsAny(said, "⟦\x00") {
					t.Errorf("%v ended with %d and said: %s", command, status, said)
				}
			}
			if tried < 100/max(1, c.every) {
				t.Errorf("only %d commands", tried)
			}
			if after := listing(t, data); after != before {
				t.Errorf("there was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

// Help names every place, option and command in both languages: nobody reads a key.
func TestHelpShowsNoKey(t *testing.T) {
	catalogue, err := words.New(allWords()...)
	if err != nil {
		t.Fatal(err)
	}
	l := &cli{words: catalogue, out: console.Out{W: &bytes.Buffer{}, Err: &bytes.Buffer{}, In: strings.NewReader(""), P: catalogue.Printer("en")}}
	all := everyCommand(t, l.root(), nil)
	if len(all) < 100 {
		t.Fatalf("only %d commands", len(all))
	}
	for _, command := range all {
		for _, lang := range []string{"fr", "en"} {
			if _, said := run(append(slices.Clone(command), "--help", "--lang", lang)); strings.Contains(said, "⟦") {
				t.Errorf("%v: %s", command, said)
			}
		}
	}
}

// run is one command as a person types it. A crash is what it said.
func run(args []string) (status int, said string) {
	defer func() {
		if bug := recover(); bug != nil {
			status, said = 0, fmt.Sprintf("crash: %v", bug)
		}
	}()
	var out, errs bytes.Buffer
	status = Main(args, strings.NewReader(""), &out, &errs)
	return status, out.String() + errs.String()
}

func remove(t *testing.T, data string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(data, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// listing is the names of a node's files, but for those that come and go and the
// folders that opening it makes.
func listing(t *testing.T, data string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, "*"))
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f string) bool {
		return strings.HasSuffix(f, "-wal") || strings.HasSuffix(f, "-shm") || strings.HasSuffix(f, ".lock") ||
			slices.Contains([]string{datadir.LockName, "store", "vault"}, filepath.Base(f))
	})
	return strings.Join(files, "\n")
}
