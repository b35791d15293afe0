package vault

import (
	"os"
	"path/filepath"
	"testing"

	"entrechat/internal/core"
)

// A password changed with restic is noticed at once, said, and kept only once it was
// seen to open; the one kept last is the one that comes back from nothing.
func TestChangedPasswordIsSaidAndKept(t *testing.T) {
	t.Parallel() // restic spends its time on its password
	w := newWorld(t, 2)
	prune := w.env("files", w.create("files").Prune)
	program, src := resticNew(t), filepath.Join(t.TempDir(), "src")
	writeTree(t, src, 2, 1000, 1)
	first, err := os.ReadFile(prune.PasswordFile)
	if err != nil {
		t.Fatal(err)
	}
	passwords := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(passwords, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one, two := write("one", first), write("two", []byte("another\n"))
	w.restic(program, prune, "init")
	w.restic(program, prune, "backup", src)
	w.settled()
	says := func(level Level, locked int) {
		t.Helper()
		k, err := w.room.Kit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s := w.status("files"); s.Level != level || len(k.Locked) != locked {
			t.Errorf("%s and on the kit %v, want %s", s.Level, k.Locked, level)
		}
	}
	says(LevelSafe, 0)
	for _, change := range [][2]string{{one, two}, {two, one}} {
		from, to := change[0], change[1]
		w.restic(program, Env{Repository: prune.Repository, PasswordFile: from}, "key", "passwd", "--new-password-file", to)
		says(LevelLocked, 1)
		if err := w.room.SetPassword(t.Context(), "files", "neither"); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("a password that opens nothing: %v", err)
		}
		text, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.room.SetPassword(t.Context(), "files", string(text)); err != nil {
			t.Fatal(err)
		}
		w.settled() // the record that has it
		says(LevelSafe, 0)
	}
	w.stop()
	w.dir = t.TempDir()
	w.newKey(owner)
	w.open()
	w.recovered()
	if back, err := os.ReadFile(w.env("files", "").PasswordFile); err != nil || string(back) != string(first) {
		t.Errorf("another password came back: %v", err)
	}
	w.stop = func() { _ = w.room.n.DB.Close() }
}

// A backup without keys, or with none that restic wrote, is neither said to open nor
// not to.
func TestUntriedPasswordIsUnknown(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	if err := w.room.SetPassword(t.Context(), "files", "x"); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("no key: %v", err)
	}
	w.fill("files")
	if s := w.status("files"); s.Password != PasswordUnknown || s.Level != LevelSafe {
		t.Errorf("%q %s", s.Password, s.Level)
	}
	if err := w.room.SetPassword(t.Context(), "none", "x"); core.CodeOf(err) != core.CodeNotFound {
		t.Error(err)
	}
}
