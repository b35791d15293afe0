package runbook

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
)

// repository is a work tree that a test commits to.
type repository struct {
	*testing.T
	dir string
}

func newRepository(t *testing.T) repository {
	t.Helper()
	r := repository{t, t.TempDir()}
	r.git("init", "--quiet", "--initial-branch=main")
	return r
}

func (r repository) git(args ...string) {
	r.Helper()
	c := exec.CommandContext(r.Context(), "git", args...)
	c.Dir = r.dir
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	if out, err := c.CombinedOutput(); err != nil {
		r.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// commit writes a file as somebody.
func (r repository) commit(author, name, text string) {
	r.Helper()
	file := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
	r.git("add", "-A")
	r.git("-c", "user.name="+author, "-c", "user.email="+strings.ToLower(author)+"@chaton-a.test", "commit", "--quiet", "-m", "text")
}

func TestPullReadsTextsAndAuthors(t *testing.T) {
	r := newRepository(t)
	r.commit("Ana", "dns/zone gone.md", "# Zone\n\n## Do\n\n    true\n")
	r.commit("Ana", "README.md", "# Ours\n")
	r.commit("Ana", ".github/x.md", "# hidden\n")
	r.commit("Ana", "big.md", strings.Repeat("a", maxText+1))
	r.commit("Ana", "note.txt", "no runbook")
	if err := os.Symlink("/etc/passwd", filepath.Join(r.dir, "link.md")); err != nil {
		t.Fatal(err)
	}
	r.commit("Bob", "mail.md", "# Mail\n")
	r.commit("Bob", "dns/zone gone.md", "# Zone\n\n## Do\n\n    false\n")
	files, left, err := Pull(t.Context(), r.dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"big.md"}, left); diff != "" {
		t.Error(diff)
	}
	if len(files) != 2 || files[0].Path != "dns/zone gone.md" || files[1].Path != "mail.md" {
		t.Fatalf("%+v", files)
	}
	zone := files[0]
	if diff := cmp.Diff([]Author{{"Bob", "bob@chaton-a.test"}, {"Ana", "ana@chaton-a.test"}}, zone.Authors); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(zone.Text, "false") || len(zone.Commit) != 40 || zone.Changed == 0 || zone.Commit == files[1].Commit {
		t.Errorf("%+v", zone)
	}
}

func TestPullRefuses(t *testing.T) {
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	large := newRepository(t)
	noise := make([]byte, 2<<20)
	rand.Read(noise)
	large.commit("Ana", "a.bin", string(noise))
	empty := newRepository(t)
	empty.commit("Ana", "note.txt", "no runbook")
	for name, c := range map[string]struct {
		address string
		code    core.Code
		key     string
	}{
		"an option":     {"--upload-pack=touch", core.CodeInvalid, "custody.runbook.bad_address"},
		"a helper":      {"ext::sh -c true", core.CodeInvalid, "custody.runbook.bad_address"},
		"plain http":    {"http://chaton-a.test/r", core.CodeInvalid, "custody.runbook.bad_address"},
		"a user":        {"https://ana:secret@chaton-a.test/r", core.CodeInvalid, "custody.runbook.bad_address"},
		"a loose path":  {"/var/../etc", core.CodeInvalid, "custody.runbook.bad_address"},
		"no repository": {t.TempDir(), core.CodeUnsure, "custody.runbook.unreached"},
		"nobody there":  {"https://127.0.0.1:9/r.git", core.CodeUnsure, "custody.runbook.unreached"},
		"no runbook":    {empty.dir, core.CodeInvalid, "custody.runbook.no_files"},
		"too large":     {large.dir, core.CodeFull, "custody.runbook.too_large"},
	} {
		_, _, err := pull(t.Context(), c.address, 1<<20)
		if core.CodeOf(err) != c.code || keyOf(err) != c.key {
			t.Errorf("%s: %v (%s)", name, err, core.CodeOf(err))
		}
	}
	left, err := filepath.Glob(filepath.Join(scratch, "entrechat-runbooks-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestPullEndsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Pull(ctx, newRepository(t).dir); err == nil {
		t.Error("went on")
	}
}

func FuzzListing(f *testing.F) {
	f.Add([]byte("100644 blob aa      12\tx.md\x00120000 blob bb 3\ty.md\x00"))
	f.Fuzz(func(t *testing.T, listing []byte) {
		found, _ := markdown(listing)
		for _, e := range found {
			if !goodPath(e.path) || strings.ContainsAny(e.path, "\x00\n\x1b") {
				t.Errorf("%q", e.path)
			}
		}
	})
}
