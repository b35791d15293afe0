package vault

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/room/vault/backup"
)

// resticOld and resticNew are the two ends of what we promise to work with.
func resticOld(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("restic")
	if err != nil {
		t.Fatal("restic is needed: apt-get install restic")
	}
	return path
}

func resticNew(t testing.TB) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(filepath.Dir(string(root)), ".cache/bin/restic"), "/usr/local/bin/restic-pinned"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatal("restic 0.19.1 is needed at .cache/bin/restic: ./check builds it")
	return ""
}

// restic runs one command against a backup and returns what it printed.
func (w *world) restic(program string, env backup.Env, words ...string) string {
	w.t.Helper()
	out, err := w.tryRestic(program, env, words...)
	if err != nil {
		w.t.Fatalf("restic %s: %v\n%s", strings.Join(words, " "), err, out)
	}
	return out
}

func (w *world) tryRestic(program string, env backup.Env, words ...string) (string, error) {
	cmd := exec.Command(program, words...)
	cmd.Env = append(os.Environ(), "RESTIC_REPOSITORY="+env.Repository, "RESTIC_PASSWORD_FILE="+env.PasswordFile,
		"RESTIC_CACHE_DIR="+filepath.Join(w.dir, "restic-cache"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// env is how restic reaches a backup with a token.
func (w *world) env(name, token string) backup.Env {
	w.t.Helper()
	env, err := w.room.backups.Env(w.t.Context(), name, token)
	if err != nil {
		w.t.Fatal(err)
	}
	return env
}

// writeTree makes a folder of files that restic cannot deduplicate away.
func writeTree(t testing.TB, dir string, files, size int, seed byte) {
	t.Helper()
	random := rand.NewChaCha8([32]byte{seed})
	for i := range files {
		path := filepath.Join(dir, string(rune('a'+i%26)), strings.Repeat("f", 1+i/26)+".bin")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		data := make([]byte, size+i*37)
		_, _ = random.Read(data)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// sameTree fails unless both folders hold the same files.
func sameTree(t testing.TB, want, got string) {
	t.Helper()
	a, b := readTree(t, want), readTree(t, got)
	if len(a) != len(b) {
		t.Fatalf("%d files, want %d", len(b), len(a))
	}
	for name, data := range a {
		if !bytes.Equal(data, b[name]) {
			t.Fatalf("%s differs", name)
		}
	}
}

func readTree(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[rel] = data
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestResticBothVersions(t *testing.T) {
	t.Parallel() // restic spends its time on its password
	w := newWorld(t, 6)
	created, err := w.room.backups.Create(t.Context(), "files", nil)
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	writeTree(t, data, 60, 300_000, 1)
	env := w.env("files", "")
	w.restic(resticOld(t), env, "init")
	w.restic(resticOld(t), env, "backup", data)
	w.restic(resticNew(t), env, "backup", data)
	w.settled()
	for _, program := range []string{resticOld(t), resticNew(t)} {
		w.restic(program, env, "check", "--read-data")
		target := t.TempDir()
		w.restic(program, env, "restore", "latest", "--target", target)
		sameTree(t, data, filepath.Join(target, data))
	}
	_ = created
}

func TestForgetAndPrune(t *testing.T) {
	t.Parallel() // restic spends its time on its password
	w := newWorld(t, 4)
	created, err := w.room.backups.Create(t.Context(), "files", nil)
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	writeTree(t, data, 20, 100_000, 1)
	env, prune := w.env("files", ""), w.env("files", created.Prune)
	w.restic(resticNew(t), env, "init")
	w.restic(resticNew(t), env, "backup", data)
	writeTree(t, data, 20, 100_000, 2)
	w.restic(resticNew(t), env, "backup", data)
	if out, err := w.tryRestic(resticNew(t), env, "forget", "--keep-last", "1", "--prune"); err == nil {
		t.Fatalf("the append token may prune:\n%s", out)
	}
	w.restic(resticNew(t), prune, "forget", "--keep-last", "1", "--prune")
	w.restic(resticOld(t), env, "check", "--read-data")
	if err := w.room.removals.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
}
