package blob_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
)

// TestMain lets the test binary be a second process that holds a draft open.
func TestMain(m *testing.M) {
	if dir := os.Getenv("BLOB_HOLD_A_DRAFT_IN"); dir != "" {
		holdDraft(dir)
		return
	}
	os.Exit(m.Run())
}

func holdDraft(dir string) {
	d, err := blob.Open(dir)
	if err == nil {
		var p *blob.Pending
		if p, err = d.Create("theirs"); err == nil {
			_, err = p.Write([]byte("half"))
		}
	}
	fmt.Fprintln(os.Stdout, "holding", err)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // until killed
}

func TestSeenOnlyWhenCommitted(t *testing.T) {
	d, path := open(t)
	keep, err := d.Create("a/keep")
	if err != nil {
		t.Fatal(err)
	}
	drop, err := d.Create("a/drop")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*blob.Pending{keep, drop} {
		if n, err := p.Write([]byte("chat")); n != 4 || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := names(t, d, ""); got != nil {
		t.Fatalf("seen before commit: %v", got)
	}
	if err := errors.Join(drop.Abort(), drop.Abort(), keep.Commit(), keep.Abort()); err != nil {
		t.Fatal(err)
	}
	if err := drop.Commit(); err == nil {
		t.Error("an aborted object was committed")
	}
	if _, err := drop.Write([]byte("x")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write after the end: %v", err)
	}
	if got := names(t, d, ""); !slices.Equal(got, []string{"a/keep"}) {
		t.Errorf("%v", got)
	}
	noDrafts(t, path)
}

// Two writers begin the same name; the first to commit has it.
func TestFirstCommitWins(t *testing.T) {
	d, path := open(t)
	var both [2]*blob.Pending
	for i := range both {
		var err error
		if both[i], err = d.Create("name"); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprint(both[i], i); err != nil {
			t.Fatal(err)
		}
	}
	if err := both[1].Commit(); err != nil {
		t.Fatal(err)
	}
	if err := both[0].Commit(); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("second commit: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(path, "name")); err != nil || string(text) != "1" {
		t.Errorf("%q, %v", text, err)
	}
	noDrafts(t, path)
}

func TestFloor(t *testing.T) {
	d, path := open(t)
	tight := d.WithFloor(math.MaxInt64 / 2)
	if _, err := tight.Put(t.Context(), "x", strings.NewReader("x")); core.CodeOf(err) != core.CodeFull {
		t.Errorf("below the floor: %v", err)
	}
	if err := tight.Room(1); core.CodeOf(err) != core.CodeFull {
		t.Errorf("room below the floor: %v", err)
	}
	noDrafts(t, path)
	put(t, d.WithFloor(1), "x", "x")
	if err := d.Room(1); err != nil {
		t.Error(err)
	}
}

// A folder that somebody tidied away is made again.
func TestFolderGone(t *testing.T) {
	d, path := open(t)
	put(t, d, "a/b/one", "1")
	if err := os.RemoveAll(filepath.Join(path, "a")); err != nil {
		t.Fatal(err)
	}
	put(t, d, "a/b/two", "2")
}

// Open removes the drafts of the dead and leaves those of the living, whatever
// their age says.
func TestDraftsOfTheDead(t *testing.T) {
	_, path := open(t)
	other := exec.CommandContext(t.Context(), os.Args[0])
	other.Env = append(os.Environ(), "BLOB_HOLD_A_DRAFT_IN="+path)
	if _, err := other.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "holding <nil>\n" {
		t.Fatalf("%q, %v", line, err)
	}
	left := func() int {
		t.Helper()
		drafts, err := filepath.Glob(filepath.Join(path, ".tmp", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, draft := range drafts {
			past := time.Now().Add(-72 * time.Hour)
			if err := os.Chtimes(draft, past, past); err != nil {
				t.Fatal(err)
			}
		}
		d, err := blob.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if drafts, err = filepath.Glob(filepath.Join(path, ".tmp", "*")); err != nil {
			t.Fatal(err)
		}
		return len(drafts)
	}
	if n := left(); n != 1 {
		t.Errorf("%d drafts while their writer lives", n)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // killed
	if n := left(); n != 0 {
		t.Errorf("%d drafts after their writer died", n)
	}
}

func FuzzName(f *testing.F) {
	for _, name := range []string{"a/b", "../x", "/x", "a/../../b", ".tmp/x", "a\x00", "aux", "a/./b", "é"} {
		f.Add(name)
	}
	outside := f.TempDir()
	d, err := blob.Open(filepath.Join(outside, "store"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string) {
		_, err := d.Put(t.Context(), name, strings.NewReader("x"))
		if err == nil {
			if err := d.Remove(name); err != nil {
				t.Error(err)
			}
		}
		if entries, err := os.ReadDir(outside); err != nil || len(entries) != 1 {
			t.Fatalf("%q got out: %v, %v", name, entries, err)
		}
	})
}
