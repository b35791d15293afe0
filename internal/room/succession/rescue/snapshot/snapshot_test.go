package snapshot

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/core"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// repository is one with two snapshots of a folder.
func repository(t *testing.T, files map[string]string) (r Repository, src string) {
	t.Helper()
	program, err := Find()
	must(t, err)
	r, src = Repository{program, filepath.Join(t.TempDir(), "repo"), "secret"}, t.TempDir()
	restic := func(words ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, append([]string{"-r", r.Dir, "--no-cache"}, words...)...)
		cmd.Env, cmd.Dir = append(os.Environ(), "RESTIC_PASSWORD="+r.Password), src
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	restic("init")
	must(t, os.WriteFile(filepath.Join(src, "old"), []byte("of before"), 0o600))
	restic("backup", ".")
	must(t, os.Remove(filepath.Join(src, "old")))
	for name, text := range files {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(src, name)), 0o700))
		must(t, os.WriteFile(filepath.Join(src, name), []byte(text), 0o600))
	}
	must(t, os.Symlink("/etc/passwd", filepath.Join(src, "link")))
	must(t, syscall.Mkfifo(filepath.Join(src, "pipe"), 0o600))
	restic("backup", ".")
	return r, src
}

func TestRestoreNewest(t *testing.T) {
	r, _ := repository(t, map[string]string{"a/file": "content", "b": strings.Repeat("x", 100_000)})
	s, err := r.Newest(t.Context(), "")
	must(t, err)
	if s.Bytes != 100_007 || s.Files != 2 {
		t.Errorf("%+v", s)
	}
	if _, err := r.Newest(t.Context(), "zz"); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("%v", err)
	}
	target := filepath.Join(t.TempDir(), "files")
	must(t, r.Restore(t.Context(), s, target))
	must(t, os.WriteFile(filepath.Join(target, "b"), []byte("cut off"), 0o600))
	must(t, r.Restore(t.Context(), s, target)) // again
	removed, err := Seal(target)
	must(t, err)
	if removed != 2 {
		t.Errorf("%d removed", removed)
	}
	if files, bytes, err := Count(target); err != nil || files != 2 || bytes != 100_007 {
		t.Errorf("%d files, %d bytes, %v", files, bytes, err)
	}
	if _, err := os.Lstat(filepath.Join(target, "link")); !os.IsNotExist(err) {
		t.Errorf("a link is left: %v", err)
	}
	info, err := os.Stat(filepath.Join(target, "a"))
	must(t, err)
	if info.Mode().Perm() != 0o500 {
		t.Errorf("mode %v", info.Mode())
	}
	before, err := Hash(target)
	must(t, err)
	again, err := Hash(target)
	must(t, err)
	must(t, os.Chmod(filepath.Join(target, "a"), 0o700))
	must(t, os.WriteFile(filepath.Join(target, "a", "more"), nil, 0o600))
	after, err := Hash(target)
	must(t, err)
	if before != again || after == before {
		t.Errorf("%s %s %s", before, again, after)
	}
	must(t, Remove(target))
	must(t, Remove(target))
}

func TestWrongPassword(t *testing.T) {
	r, _ := repository(t, nil)
	r.Password = "another"
	if _, err := r.Newest(t.Context(), ""); err == nil || strings.Contains(err.Error(), "another") {
		t.Errorf("%v", err)
	}
}

// TestKilledWhileRestoring: what is left is whole after one more try.
func TestKilledWhileRestoring(t *testing.T) {
	files := map[string]string{}
	for i := range 60 {
		files[filepath.Join("d", string(rune('a'+i%26)), string(rune('a'+i/26))+"f")] = strings.Repeat(string(rune('a'+i%26)), 200_000+i)
	}
	r, src := repository(t, files)
	s, err := r.Newest(t.Context(), "")
	must(t, err)
	target := filepath.Join(t.TempDir(), "files")
	for i := range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*i)*20*time.Millisecond)
		_ = r.Restore(ctx, s, target) // cut off, mostly
		cancel()
	}
	must(t, r.Restore(t.Context(), s, target))
	out, err := exec.CommandContext(t.Context(), "diff", "-r", "--exclude=pipe", filepath.Join(src, "d"), filepath.Join(target, "d")).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
