package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
)

func open(t *testing.T) (*blob.Dir, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store")
	d, err := blob.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, path
}

func put(t *testing.T, d *blob.Dir, name, text string) {
	t.Helper()
	if n, err := d.Put(t.Context(), name, strings.NewReader(text)); err != nil || n != int64(len(text)) {
		t.Fatalf("put %s: %d, %v", name, n, err)
	}
}

func names(t *testing.T, d *blob.Dir, prefix string) (all []string) {
	t.Helper()
	if err := d.Walk(prefix, func(name string) error { all = append(all, name); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestPutOnceReadForEver(t *testing.T) {
	d, _ := open(t)
	put(t, d, "a/b/one", "un")
	_, err := d.Put(t.Context(), "a/b/one", strings.NewReader("deux"))
	if core.CodeOf(err) != core.CodeConflict {
		t.Errorf("second put: %v", err)
	}
	f, err := d.Open("a/b/one")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(f); err != nil || string(text) != "un" || f.Close() != nil {
		t.Errorf("read %q, %v", text, err)
	}
	if info, err := d.Stat("a/b/one"); err != nil || info.Size() != 2 {
		t.Errorf("stat: %v", err)
	}
	if err := d.Move("a/b/one", "trash/x/one"); err != nil {
		t.Fatal(err)
	}
	if got := names(t, d, ""); !slices.Equal(got, []string{"trash/x/one"}) {
		t.Errorf("after the move: %v", got)
	}
	if err := d.Remove("trash/x/one"); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"open": func() error { _, err := d.Open("a/b/one"); return err }(),
		"stat": func() error { _, err := d.Stat("a/b/one"); return err }(),
		"move": d.Move("a/b/one", "x"), "remove": d.Remove("a/b/one"),
	} {
		if core.CodeOf(err) != core.CodeNotFound || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of nothing: %v", what, err)
		}
	}
	if free, err := d.Free(); err != nil || free <= 0 {
		t.Errorf("free %d, %v", free, err)
	}
}

func TestNamesStayInside(t *testing.T) {
	d, path := open(t)
	if err := os.Symlink(t.TempDir(), filepath.Join(path, "out")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".", "..", "../x", "a/../../x", "/etc/passwd", "a//b", "a/", "a\x00b", "a\nb", `a\b`, ".tmp", ".tmp/x", "a/.tmp-x", "a\xff", strings.Repeat("a", 2000)} {
		if _, err := d.Put(t.Context(), name, strings.NewReader("x")); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := d.Open(name); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("open %q: %v", name, err)
		}
	}
	if _, err := d.Put(t.Context(), "out/x", strings.NewReader("x")); err == nil {
		t.Error("a link leads out")
	}
}

func noDrafts(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(path, ".tmp"))
	if err != nil || len(entries) > 0 {
		t.Errorf("drafts left behind: %v, %v", entries, err)
	}
}

// broken gives some bytes, then fails.
type broken struct{ err error }

func (b broken) Read(p []byte) (int, error) { return copy(p, "half"), b.err }

func TestAFailedPutLeavesNothing(t *testing.T) {
	d, path := open(t)
	cut := errors.New("cable cut")
	if _, err := d.Put(t.Context(), "a/x", broken{cut}); !errors.Is(err, cut) {
		t.Errorf("failing reader: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Put(ctx, "a/x", strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	noDrafts(t, path)
	if got := names(t, d, ""); got != nil {
		t.Errorf("left behind: %v", got)
	}
}

// Of many writers of one name exactly one wins, and its bytes are whole.
func TestOneWriterWins(t *testing.T) {
	d, _ := open(t)
	var all sync.WaitGroup
	var won atomic.Int32
	for i := range 8 {
		all.Go(func() {
			_, err := d.Put(t.Context(), "x/name", bytes.NewReader(bytes.Repeat([]byte{byte(i)}, 100_000)))
			if err == nil {
				won.Add(1)
			} else if core.CodeOf(err) != core.CodeConflict {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d writers won", won.Load())
	}
	f, err := d.Open("x/name")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if data, err := io.ReadAll(f); err != nil || len(data) != 100_000 || len(bytes.Trim(data, string(data[:1]))) != 0 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func TestWalk(t *testing.T) {
	d, _ := open(t)
	for _, name := range []string{"b/2", "b/1", "a/x/y", "c"} {
		put(t, d, name, "x")
	}
	if got := names(t, d, ""); !slices.Equal(got, []string{"a/x/y", "b/1", "b/2", "c"}) {
		t.Errorf("%v", got)
	}
	if got := names(t, d, "b"); !slices.Equal(got, []string{"b/1", "b/2"}) {
		t.Errorf("%v", got)
	}
	if got := names(t, d, "nowhere"); got != nil {
		t.Errorf("%v", got)
	}
	stop := 0
	if err := d.Walk("", func(string) error { stop++; return fs.SkipAll }); err != nil || stop != 1 {
		t.Errorf("SkipAll: %d, %v", stop, err)
	}
}
