package recipe_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/succession/recipe"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	ok(t, os.MkdirAll(filepath.Dir(path), 0o755))
	ok(t, os.WriteFile(path, []byte(text), 0o600))
}

func count(t *testing.T, s recipe.Side, dir string, without ...string) recipe.Tree {
	t.Helper()
	tree, err := recipe.CountTree(t.Context(), s, dir, without...)
	ok(t, err)
	return tree
}

// A tree of odd names is the same at the target, and stays so when the source changes.
func TestTreesAreCopied(t *testing.T) {
	sides(t, func(t *testing.T, far recipe.Side, _ func() string) {
		here := recipe.Local{Called: "old"}
		from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "a b", "to")
		for _, name := range []string{"plain", "-rf", "two\nlines", "é\\x", "d/e/f", "cache/x", "sp ace/'q'", "d/x.lock"} {
			put(t, from, name, "content of "+name)
		}
		ok(t, os.Symlink("../plain", filepath.Join(from, "d", "link")))
		ok(t, os.Mkdir(filepath.Join(from, "empty"), 0o700))
		without := []string{"cache", "*.lock"}
		c := recipe.Trees{From: here, To: far, FromDir: from, ToDir: to, Without: without}
		ok(t, c.Copy(t.Context(), nil))
		a, b := count(t, here, from, without...), count(t, far, to)
		if a != b || a.Files != 7 || a.Bytes == 0 {
			t.Fatalf("%+v, %+v", a, b)
		}
		if info, err := os.Stat(filepath.Join(to, "empty")); err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
			t.Errorf("the empty folder: %v", err)
		}
		// One goes, one becomes a folder, one folder a file, one changes without its size and time.
		info, err := os.Stat(filepath.Join(from, "plain"))
		ok(t, err)
		put(t, from, "plain", "CONTENT of plain")
		ok(t, os.Chtimes(filepath.Join(from, "plain"), info.ModTime(), info.ModTime()))
		ok(t, os.Remove(filepath.Join(from, "-rf")))
		ok(t, os.Remove(filepath.Join(from, "é\\x")))
		put(t, from, "é\\x/now", "a folder")
		ok(t, os.RemoveAll(filepath.Join(from, "d", "e")))
		put(t, from, "d/e", "a file")
		ok(t, c.Copy(t.Context(), nil))
		if a, b := count(t, here, from, without...), count(t, far, to); a == b {
			t.Error("what kept its size and time is not read while the service lives")
		}
		c.Thorough = true
		var last, total int64
		ok(t, c.Copy(t.Context(), func(d, all int64) { last, total = d, all }))
		if a, b := count(t, here, from, without...), count(t, far, to); a != b {
			t.Errorf("%+v, %+v", a, b)
		}
		if last == 0 || last != total {
			t.Errorf("told %d of %d", last, total)
		}
		var commands []string
		ctx := recipe.Traced(t.Context(), func(_ string, args []string) { commands = append(commands, strings.Join(args, " ")) })
		ok(t, c.Copy(ctx, nil))
		if strings.Contains(strings.Join(commands, "\n"), "tar ") {
			t.Errorf("the same is copied again: %q", commands)
		}
	})
}

// A copy that is killed at any time goes on where it was.
func TestACopyIsKilled(t *testing.T) {
	sides(t, func(t *testing.T, far recipe.Side, _ func() string) {
		here := recipe.Local{Called: "old"}
		from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
		for n := range 300 {
			put(t, from, fmt.Sprintf("d%d/f%d", n%7, n), strings.Repeat(fmt.Sprint(n), 2000))
		}
		c := recipe.Trees{From: here, To: far, FromDir: from, ToDir: to}
		for n := range 6 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*8*time.Millisecond)
			_ = c.Copy(ctx, nil) // killed, or done
			cancel()
		}
		ok(t, c.Copy(t.Context(), nil))
		if a, b := count(t, here, from), count(t, far, to); a != b {
			t.Errorf("%+v, %+v", a, b)
		}
	})
}

func TestRoomAndEmpty(t *testing.T) {
	here := recipe.Local{Called: "new"}
	dir := t.TempDir()
	ok(t, recipe.Room(t.Context(), here, filepath.Join(dir, "not", "yet"), 1000))
	if err := recipe.Room(t.Context(), here, dir, 1<<60); err == nil {
		t.Error("room for an exabyte")
	}
	for _, name := range []string{dir, filepath.Join(dir, "none")} {
		if empty, err := recipe.Empty(t.Context(), here, name); err != nil || !empty {
			t.Errorf("%s: %v %v", name, empty, err)
		}
	}
	put(t, dir, "x", "x")
	if empty, err := recipe.Empty(t.Context(), here, dir); err != nil || empty {
		t.Errorf("%v %v", empty, err)
	}
	for _, name := range []string{"/", "/srv", "srv/x", "/srv/../etc", "/srv/x/"} {
		if recipe.Folder("to", name) == nil {
			t.Errorf("%s would be removed", name)
		}
	}
}

// A file whose bytes stop early leaves the old one, and one that is whole takes its place.
func TestAFileIsWhole(t *testing.T) {
	sides(t, func(t *testing.T, far recipe.Side, _ func() string) {
		here := recipe.Local{Called: "old"}
		dir := filepath.Join(t.TempDir(), "a b")
		put(t, dir, "f", "the old one")
		put(t, dir, "f-wal", "its log")
		f := recipe.File{Name: filepath.Join(dir, "f"), Stale: []string{filepath.Join(dir, "f-wal")}}
		ok(t, os.Chmod(f.Name, 0o640))
		for name, script := range map[string]string{"ends early": "echo 100; echo half", "dies": "echo 100; echo half; kill -9 $$", "says nothing": "true", "is longer": "echo 1; echo more"} {
			if err := recipe.Receive(t.Context(), here, recipe.Shell(script), far, f); err == nil {
				t.Errorf("one that %s is taken", name)
			}
			for _, left := range []string{"f", "f-wal"} {
				if _, err := os.Stat(filepath.Join(dir, left)); err != nil {
					t.Errorf("after one that %s: %v", name, err)
				}
			}
			if text, err := os.ReadFile(f.Name); err != nil || string(text) != "the old one" {
				t.Errorf("after one that %s: %q", name, text)
			}
		}
		ok(t, recipe.Receive(t.Context(), here, recipe.Shell("printf '8\nthe new\n'"), far, f))
		n, sum, err := recipe.CountFile(t.Context(), far, f.Name)
		ok(t, err)
		if info, err := os.Stat(f.Name); err != nil || n != 8 || len(sum) != 64 || info.Mode().Perm() != 0o640 {
			t.Errorf("%d %s %v", n, sum, err)
		}
		if _, err := os.Stat(f.Stale[0]); err == nil {
			t.Error("the log of the old one is left")
		}
	})
}
