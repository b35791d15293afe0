package runbook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"entrechat/internal/core"
)

// What one repository may cost.
const (
	gitTime    = 60 * time.Second
	gitSize    = 64 << 20 // bytes of a clone
	gitFiles   = 100      // runbooks
	gitListing = 1 << 20  // bytes of what git says of a repository's files
	gitLog     = 64 << 10 // bytes of the history of one file: some 1,000 commits
	maxPath    = 200      // bytes
	maxAuthors = 50
)

// Source is a repository of runbooks.
type Source struct {
	ID      string
	Address string      // https address, or absolute path on this machine
	Added   core.Moment //
	Pulled  core.Moment // last good pull; 0 = never
	Trouble string      // words key of why the last pull failed; empty = it did not
}

// File is one Markdown file at the head of a repository.
type File struct {
	Path    string
	Text    string
	Commit  string // the last one that changed the file
	Changed core.Moment
	Authors []Author
}

// Author is who wrote a commit of a file, as git names them.
type Author struct{ Name, Mail string }

// CheckAddress takes an https address without a user, or an absolute path. Returns
// CodeInvalid "custody.runbook.bad_address".
func CheckAddress(address string) error {
	bad := func(why string) error {
		return core.Invalid("custody.runbook.bad_address", errors.New(why))
	}
	if len(address) > 500 || strings.IndexFunc(address, func(r rune) bool { return r <= ' ' || !unicode.IsPrint(r) }) >= 0 {
		return bad("not printable, or too long")
	}
	if filepath.IsAbs(address) {
		if filepath.Clean(address) != address || address == "/" {
			return bad("no clean path")
		}
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return bad("neither https nor an absolute path")
	}
	return nil
}

// Local says whether an address is a path on this machine.
func Local(address string) bool { return filepath.IsAbs(address) }

// Pull reads the Markdown files at the head of a repository with the git program. Nothing
// is checked out or run: texts are read from the objects of a bare clone, which is gone when
// Pull ends. Those that are too large are left out and named. Returns CodeInvalid for an address that CheckAddress refuses and for a
// repository without runbooks or with too many, CodeUnsure "custody.runbook.unreached" when
// git did not bring it, CodeFull "custody.runbook.too_large", CodeNotFound
// "custody.runbook.no_git" where the program is missing.
func Pull(ctx context.Context, address string) (files []File, left []string, err error) {
	return pull(ctx, address, gitSize)
}

func pull(ctx context.Context, address string, limit int64) (files []File, left []string, err error) {
	if err := CheckAddress(address); err != nil {
		return nil, nil, err
	}
	program, err := exec.LookPath("git")
	if err != nil {
		return nil, nil, core.NotFound("custody.runbook.no_git", err)
	}
	dir, err := os.MkdirTemp("", "entrechat-runbooks-")
	if err != nil {
		return nil, nil, core.Internal("custody.runbook.unreached", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx, cancel := context.WithTimeout(ctx, gitTime)
	defer cancel()
	g := git{program: program, dir: filepath.Join(dir, "r"), home: dir, local: Local(address), limit: limit}
	if err := g.clone(ctx, address); err != nil {
		return nil, nil, err
	}
	return g.files(ctx)
}

// git runs the program on one bare clone, deaf to whatever is configured on this machine.
type git struct {
	program, dir, home string
	local              bool
	limit              int64 // bytes of the clone
}

func (g git) command(ctx context.Context, args ...string) *exec.Cmd {
	transport := "https"
	if g.local {
		transport = "file"
	}
	c := exec.CommandContext(ctx, g.program, append([]string{ //nolint:gosec // our own words, and an address that was checked
		"-c", "core.hooksPath=/dev/null", "-c", "http.followRedirects=false", "-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=20",
		"-c", "credential.helper=", "-c", "core.askPass=", "-c", "core.quotePath=false", "-c", "log.showSignature=false", "-c", "gc.auto=0",
	}, args...)...)
	c.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + g.home, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_ALLOW_PROTOCOL=" + transport, "GIT_NO_REPLACE_OBJECTS=1", "GIT_OPTIONAL_LOCKS=0",
	}
	for _, name := range []string{"https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE"} {
		if v := os.Getenv(name); v != "" {
			c.Env = append(c.Env, name+"="+v)
		}
	}
	c.Dir, c.WaitDelay = g.home, 5*time.Second
	return c
}

// clone brings the repository, and stops when it becomes too large.
func (g git) clone(ctx context.Context, address string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		g.guard(done, cancel)
	}()
	var said tail
	c := g.command(ctx, "clone", "--quiet", "--bare", "--no-local", "--single-branch", "--no-tags", "--template=", "--", address, g.dir)
	c.Stderr = &said
	err := c.Run()
	close(done)
	<-stopped
	if size(g.dir) > g.limit || core.CodeOf(context.Cause(ctx)) == core.CodeFull {
		return g.tooLarge()
	}
	if err != nil {
		return core.Unsure("custody.runbook.unreached", fmt.Errorf("%w: %s", err, said.text())).With("Said", said.text())
	}
	return nil
}

func (g git) tooLarge() error {
	return core.Full("custody.runbook.too_large", errors.New("larger than a repository of runbooks may be")).With("Limit", core.Size(g.limit))
}

// guard ends a clone that grows too large.
func (g git) guard(done <-chan struct{}, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			if size(g.dir) > g.limit {
				cancel(g.tooLarge())
				return
			}
		}
	}
}

// size is how many bytes lie below a directory.
func size(dir string) (total int64) {
	_ = filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error { // what comes and goes meanwhile is not counted
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}

// tail keeps the end of what a program says.
type tail struct{ buf []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if len(t.buf) > 1000 {
		t.buf = t.buf[len(t.buf)-1000:]
	}
	return len(p), nil
}

// text is the last line, harmless.
func (t *tail) text() string {
	lines := strings.Split(strings.TrimSpace(clean(string(t.buf))), "\n")
	return line(lines[len(lines)-1], 200)
}

// output runs git on the clone and takes what it writes, of so many bytes at most.
func (g git) output(ctx context.Context, limit int64, args ...string) ([]byte, error) {
	c := g.command(ctx, append([]string{"--git-dir=" + g.dir}, args...)...)
	var said tail
	c.Stderr = &said
	pipe, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(pipe, limit+1))
	if int64(len(text)) > limit {
		_ = c.Process.Kill() // it writes more than we take
		_ = c.Wait()
		return nil, core.Full("custody.runbook.too_large", errors.New("git says too much")).With("Limit", core.Size(limit))
	}
	if err = errors.Join(err, c.Wait()); err != nil {
		return nil, core.Unsure("custody.runbook.unreached", fmt.Errorf("%w: %s", err, said.text())).With("Said", said.text())
	}
	return text, nil
}

// entry is one file of a tree.
type entry struct{ object, path string }

// files reads all runbooks at the head.
func (g git) files(ctx context.Context) ([]File, []string, error) {
	listing, err := g.output(ctx, gitListing, "ls-tree", "-r", "-z", "-l", "HEAD")
	if err != nil {
		return nil, nil, err
	}
	found, left := markdown(listing)
	if len(found) == 0 || len(found) > gitFiles {
		return nil, nil, core.Invalid("custody.runbook.no_files", fmt.Errorf("%d files", len(found))).With("Limit", gitFiles)
	}
	files := make([]File, 0, len(found))
	for _, e := range found {
		f, err := g.file(ctx, e)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, f)
	}
	return files, left, nil
}

// markdown are the plain files of a listing that are runbooks: *.md, not hidden, and not
// what every repository says of itself; and the names of those that are too large.
func markdown(listing []byte) (found []entry, left []string) {
	for one := range bytes.SplitSeq(listing, []byte{0}) {
		head, name, ok := strings.Cut(string(one), "\t")
		fields := strings.Fields(head)
		if !ok || len(fields) != 4 || fields[0] != "100644" && fields[0] != "100755" {
			continue
		}
		length, err := strconv.ParseInt(fields[3], 10, 64)
		if err != nil || !goodPath(name) {
			continue
		}
		if length > maxText {
			left = append(left, name)
			continue
		}
		found = append(found, entry{fields[2], name})
	}
	return found, left
}

func goodPath(name string) bool {
	base := strings.ToLower(path.Base(name))
	return len(name) <= maxPath && strings.HasSuffix(base, ".md") && clean(name) == name && !strings.ContainsAny(name, "\n\t\\\"") &&
		!strings.HasPrefix(name, ".") && !strings.Contains(name, "/.") && path.Clean(name) == name &&
		!slices.Contains([]string{"readme.md", "license.md", "licence.md", "contributing.md", "changelog.md"}, base)
}

// file reads one runbook and who wrote it.
func (g git) file(ctx context.Context, e entry) (f File, err error) {
	text, err := g.output(ctx, maxText, "cat-file", "blob", e.object)
	if err != nil {
		return f, err
	}
	f = File{Path: e.path, Text: string(text)}
	history, err := g.output(ctx, gitLog, "log", "-n", "500", "--format=%H%x00%at%x00%an%x00%ae", "HEAD", "--", ":(literal)"+e.path)
	if err != nil {
		return f, err
	}
	for one := range strings.Lines(string(history)) {
		fields := strings.Split(strings.TrimSuffix(one, "\n"), "\x00")
		if len(fields) != 4 {
			continue
		}
		if f.Commit == "" {
			seconds, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil || seconds < 0 || seconds > 1<<40 {
				seconds = 0
			}
			f.Commit, f.Changed = fields[0], core.Moment(seconds*1_000_000)
		}
		a := Author{Name: line(fields[2], 100), Mail: strings.ToLower(line(fields[3], 254))}
		if !slices.Contains(f.Authors, a) && len(f.Authors) < maxAuthors {
			f.Authors = append(f.Authors, a)
		}
	}
	return f, nil
}
