package gitread

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"entrechat/internal/room/succession/rescue/snapshot"
	"entrechat/internal/room/succession/rescue/whose"
)

func git(t *testing.T, dir string, words ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", words...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@x.test", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@x.test", "GIT_TERMINAL_PROMPT=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v: %s", words, err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestClone has the real git clone what was never prepared for it, packed and loose, and sees that
// nothing was written.
func TestClone(t *testing.T) {
	dir := t.TempDir()
	work, bare := filepath.Join(dir, "work"), filepath.Join(dir, "share", "group", "project.git")
	git(t, dir, "init", "-q", "-b", "main", work)
	for _, name := range []string{"one", "two", "three"} {
		if err := os.WriteFile(filepath.Join(work, name), []byte(strings.Repeat(name, 100)), 0o600); err != nil {
			t.Fatal(err)
		}
		git(t, work, "add", ".")
		git(t, work, "commit", "-qm", name)
	}
	git(t, work, "tag", "-a", "v1", "-m", "first")
	git(t, dir, "clone", "-q", "--bare", work, bare)
	git(t, bare, "gc", "-q")
	git(t, work, "checkout", "-q", "-b", "topic")
	git(t, work, "commit", "-q", "--allow-empty", "-m", "loose")
	git(t, work, "push", "-q", bare, "topic")
	if err := os.Remove(filepath.Join(bare, "info", "refs")); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	before, err := snapshot.Hash(dir)
	if err != nil {
		t.Fatal(err)
	}
	v, err := whose.Open(dir, "share")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if got := Repositories(v, 10); !slices.Equal(got, []string{"group/project.git"}) {
		t.Errorf("%v", got)
	}
	clones := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { Serve(w, r, v, r.URL.Path, func() { clones++ }) }))
	defer server.Close()
	to := t.TempDir()
	git(t, to, "clone", "-q", server.URL+"/group/project.git", "got")
	got := filepath.Join(to, "got")
	if a, b := git(t, got, "rev-parse", "main", "v1", "v1^{}", "origin/topic"), git(t, work, "rev-parse", "main", "v1", "v1^{}", "topic"); a != b {
		t.Errorf("cloned %s, not %s", a, b)
	}
	git(t, got, "fsck", "--strict")
	if clones != 1 {
		t.Errorf("%d clones", clones)
	}
	for _, path := range []string{"/group/project.git/config", "/group/project.git/hooks/post-update.sample", "/group/project.git/packed-refs", "/group/../../work/.git/HEAD", "/HEAD", "/group/project.git/objects/info/alternates"} {
		rec := httptest.NewRecorder()
		Serve(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), v, path, func() {})
		if rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
	rec := httptest.NewRecorder()
	Serve(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil), v, "/group/project.git/git-receive-pack", func() {})
	if rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("push: %d", rec.Code)
	}
	if after, err := snapshot.Hash(dir); err != nil || after != before {
		t.Errorf("something was written: %v", err)
	}
}
