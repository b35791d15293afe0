package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// A node that is killed at any moment of its making leaves a directory that says what
// to do, and the next init makes a node whose words were shown.
func TestInitKilledAtEachStep(t *testing.T) {
	place := Place{Origin: "chaton-a.test"}
	whole, words := t.TempDir(), filepath.Join(t.TempDir(), "words")
	first := filepath.Join(t.TempDir(), "n")
	snapshot := func(seal.Seed) error { return os.CopyFS(whole, os.DirFS(first)) }
	if err := Init(t.Context(), first, place, words, snapshot); err != nil {
		t.Fatal(err)
	}
	// The order in which init makes them; a kill leaves the first so many.
	steps := []string{
		datadir.UnfinishedName, "secrets/.tmp-1", "secrets/log.key", "secrets/recovery.age", ".tmp-1", datadir.ConfigName,
		datadir.DatabaseName, datadir.DatabaseName + ".lock", datadir.DatabaseName + "-wal",
	}
	for count := range len(steps) + 1 {
		data := filepath.Join(t.TempDir(), "n")
		for _, name := range steps[:count] {
			text, err := os.ReadFile(filepath.Join(whole, name))
			if err != nil {
				text = []byte("half a")
			}
			path := filepath.Join(data, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		if err := datadir.Unfinished(data); (core.CodeOf(err) == core.CodeConflict) != (count > 0) {
			t.Errorf("after %d files: %v", count, err)
		}
		// The words that were written already are void, and say so by their name.
		if err := Init(t.Context(), data, place, words, nil); core.CodeOf(err) != core.CodeConflict || errorKey(err) == "app.words_file_void" != (count > 0) {
			t.Errorf("after %d files, onto the words that were written: %v", count, err)
		}
		var shown seal.Seed
		err := Init(t.Context(), data, place, "", func(s seal.Seed) error { shown = s; return nil })
		if err != nil || datadir.Unfinished(data) != nil {
			t.Fatalf("after %d files: %v, %v", count, err, datadir.Unfinished(data))
		}
		if root := rootOf(t, data); root != shown.Root() {
			t.Errorf("after %d files the node's words are not those that were shown", count)
		}
		if left, _ := filepath.Glob(filepath.Join(data, "*", ".tmp-*")); len(left) > 0 {
			t.Errorf("after %d files %v stayed", count, left)
		}
	}
}

func errorKey(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return ""
}

func rootOf(t *testing.T, data string) core.RootKey {
	t.Helper()
	a := &App{Data: data, Log: quiet()}
	if err := a.openWith(t.Context(), datadir.LogKeyName); err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	self, err := a.Book.Member(t.Context(), a.Signer.ID())
	if err != nil {
		t.Fatal(err)
	}
	return self.Root
}

// Nothing is made when the words cannot be handed over, and a node without its
// configuration is never cleared away.
func TestInitLeavesNothingHalf(t *testing.T) {
	place, base := Place{Origin: "chaton-a.test"}, t.TempDir()
	data, words := filepath.Join(base, "n"), filepath.Join(base, "words")
	unseen := errors.New("the terminal is gone")
	err := Init(t.Context(), data, place, words, func(s seal.Seed) error {
		if text, err := os.ReadFile(words); err != nil || strings.TrimSpace(string(text)) != s.Words() {
			t.Errorf("the words are not in the file yet: %v", err)
		}
		return unseen
	})
	if !errors.Is(err, unseen) {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(base); err != nil || len(left) > 0 {
		t.Fatalf("%v stayed, %v", left, err)
	}
	// A directory that somebody made ready stays, empty but for the lock.
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Init(t.Context(), data, place, "", func(seal.Seed) error { return unseen }); !errors.Is(err, unseen) {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(data); err != nil || len(left) != 1 || left[0].Name() != datadir.LockName {
		t.Fatalf("%v stayed, %v", left, err)
	}
	if err := Init(t.Context(), data, place, "", func(seal.Seed) error { return nil }); err != nil {
		t.Fatal(err)
	}
	root := rootOf(t, data)
	config := filepath.Join(data, datadir.ConfigName)
	if err := os.Rename(config, config+".old"); err != nil {
		t.Fatal(err)
	}
	if err := Init(t.Context(), data, place, "", nil); errorKey(err) != "app.no_config" {
		t.Fatalf("without its configuration: %v", err)
	}
	if err := os.Rename(config+".old", config); err != nil {
		t.Fatal(err)
	}
	if rootOf(t, data) != root {
		t.Error("the node is another")
	}
}
