package disk

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// left are the names in a folder.
func left(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	ok(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	ok(t, err)
	if string(got) != want {
		t.Errorf("%s holds %.40q", path, got)
	}
}

func TestReplaceAndCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	ok(t, Create(path, []byte("first")))
	if err := Create(path, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
	holds(t, path, "first")
	ok(t, os.Chmod(path, 0o644))
	ok(t, Replace(path, []byte("second")))
	holds(t, path, "second")
	info, err := os.Stat(path)
	ok(t, err)
	if st, good := info.Sys().(*syscall.Stat_t); info.Mode().Perm() != 0o600 || !good || int(st.Uid) != os.Geteuid() || st.Nlink != 1 {
		t.Errorf("mode %v", info.Mode())
	}
	if err := Replace(filepath.Join(dir, "none", "file"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if err := Replace(filepath.Join(path, "below"), nil); err == nil {
		t.Error("written below a file")
	}
	if names := left(t, dir); !slices.Equal(names, []string{"file"}) {
		t.Errorf("%v", names)
	}
}

// A link in the file's place is replaced; what it points to is not written.
func TestALinkIsReplaced(t *testing.T) {
	dir := t.TempDir()
	ok(t, os.WriteFile(filepath.Join(dir, "other"), []byte("theirs"), 0o600))
	ok(t, os.Symlink("other", filepath.Join(dir, "file")))
	ok(t, Replace(filepath.Join(dir, "file"), []byte("ours")))
	holds(t, filepath.Join(dir, "file"), "ours")
	holds(t, filepath.Join(dir, "other"), "theirs")
}

// traced are the real steps that note what was done, and fail at one of them.
func traced(trace *[]string, failing string) steps {
	do := func(name string, step func() error) error {
		*trace = append(*trace, name)
		if name == failing {
			return syscall.EIO
		}
		return step()
	}
	r := system()
	return steps{
		sync: func(f *os.File) error { return do("sync", func() error { return r.sync(f) }) },
		rename: func(at *os.Root, from, to string) error {
			return do("rename", func() error { return r.rename(at, from, to) })
		},
		link: func(at *os.Root, from, to string) error {
			return do("link", func() error { return r.link(at, from, to) })
		},
		syncFolder: func(at *os.Root) error { return do("folder", func() error { return r.syncFolder(at) }) },
	}
}

// The content is synced before it has its name, the name after; whatever fails, the old
// file or the new one is there, and no draft.
func TestEachStepMayFail(t *testing.T) {
	replace := func(s steps, at *os.Root, draft, name string) error { return s.rename(at, draft, name) }
	for _, failing := range []string{"", "sync", "rename", "folder"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "file")
		ok(t, Create(path, []byte("old")))
		var trace []string
		err := write(traced(&trace, failing), path, []byte("new"), replace)
		if (err != nil) != (failing != "") || failing != "" && !errors.Is(err, syscall.EIO) {
			t.Errorf("%q fails: %v", failing, err)
		}
		want := []string{"sync", "rename", "folder"}
		if at := slices.Index(want, failing); at >= 0 {
			want = want[:at+1]
		}
		if !slices.Equal(trace, want) {
			t.Errorf("%q fails: %v", failing, trace)
		}
		text := "new"
		if failing == "sync" || failing == "rename" {
			text = "old"
		}
		holds(t, path, text)
		if names := left(t, dir); !slices.Equal(names, []string{"file"}) {
			t.Errorf("%q fails: %v", failing, names)
		}
	}
}

// Where a disk knows no hard links, a name that is taken stays all the same.
func TestWithoutHardLinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	var trace []string
	s := traced(&trace, "")
	s.link = func(*os.Root, string, string) error { return &os.LinkError{Op: "link", Err: syscall.EPERM} }
	ok(t, write(s, path, []byte("first"), linkNew))
	if err := write(s, path, []byte("second"), linkNew); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
	holds(t, path, "first")
}

func TestDraftsOfTheDeadAreRemoved(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-2 * fresh)
	draft := func(name string, at time.Time) *os.File {
		f, err := os.Create(filepath.Join(dir, name))
		ok(t, err)
		t.Cleanup(func() { _ = f.Close() })
		ok(t, os.Chtimes(f.Name(), at, at))
		return f
	}
	dead, young, living := DraftPrefix+strings.Repeat("A", 26), DraftPrefix+strings.Repeat("B", 26), DraftPrefix+strings.Repeat("C", 26)
	draft(dead, old)
	draft(young, time.Now())
	ok(t, TryLock(draft(living, old)))
	draft(".tmp-of-somebody-else", old)
	ok(t, Replace(filepath.Join(dir, "file"), nil))
	if names := left(t, dir); !slices.Equal(names, []string{young, living, ".tmp-of-somebody-else", "file"}) {
		t.Errorf("%v", names)
	}
}

func TestTryLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		ok(t, err)
		return f
	}
	first, second := open(), open()
	ok(t, TryLock(first))
	if err := TryLock(second); !errors.Is(err, ErrLocked) {
		t.Errorf("%v", err)
	}
	ok(t, first.Close())
	ok(t, TryLock(second))
	ok(t, second.Close())
}

// content is what the killed writer writes: a number, often enough that half of it shows.
func content(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%08d\n", n), 1<<13) }

const writerEnv = "DISK_TEST_WRITER"

func TestMain(m *testing.M) {
	path := os.Getenv(writerEnv)
	if path == "" {
		os.Exit(m.Run())
	}
	for n := 1; ; n++ {
		if err := Replace(path, content(n)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

// A writer that is killed leaves a whole file, not older than what it had reported; its
// draft goes with the next write.
func TestAKilledWriterLeavesAWholeFile(t *testing.T) {
	self, err := os.Executable()
	ok(t, err)
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for round := range 12 {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), writerEnv+"="+path)
		out, err := cmd.StdoutPipe()
		ok(t, err)
		ok(t, cmd.Start())
		var last int
		lines := bufio.NewScanner(out)
		for range round + 2 {
			if !lines.Scan() {
				t.Fatal("the writer ended by itself")
			}
			last, err = strconv.Atoi(lines.Text())
			ok(t, err)
		}
		ok(t, cmd.Process.Kill())
		for lines.Scan() { // what it said before it was killed
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				last = n
			}
		}
		_ = cmd.Wait() // killed
		got, err := os.ReadFile(path)
		ok(t, err)
		n, err := strconv.Atoi(string(got[:8]))
		ok(t, err)
		if n < last || !bytes.Equal(got, content(n)) {
			t.Fatalf("round %d: %d reported, %d there, %d bytes", round, last, n, len(got))
		}
	}
	old := time.Now().Add(-2 * fresh)
	for _, name := range left(t, dir) {
		ok(t, os.Chtimes(filepath.Join(dir, name), old, old))
	}
	ok(t, Replace(path, nil))
	if names := left(t, dir); !slices.Equal(names, []string{"file"}) {
		t.Errorf("%v", names)
	}
}

// TestAlone: one at a time, and who waits ends when asked.
func TestAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	inside, leave, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- Alone(t.Context(), path, func() error {
			close(inside)
			<-leave
			return nil
		})
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := Alone(ctx, path, func() error { t.Error("two at once"); return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting ends with %v", err)
	}
	close(leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
	wrong := errors.New("of do")
	if err := Alone(t.Context(), path, func() error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("after it: %v", err)
	}
	if err := Alone(t.Context(), filepath.Join(path, "below"), func() error { t.Error("without a lock"); return nil }); err == nil {
		t.Error("no error for a path that cannot be")
	}
}
