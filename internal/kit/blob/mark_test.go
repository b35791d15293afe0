package blob_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
)

// note is what is kept of a directory elsewhere.
type note struct {
	id   string
	used bool
}

func (n *note) mark() blob.Mark {
	return blob.Mark{
		Recall: func() (string, bool, error) { return n.id, n.used, nil },
		Keep:   func(id string) error { n.id = id; return nil },
		Accept: "accept it",
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func wantKey(t *testing.T, what string, err error, key string) {
	t.Helper()
	var e *core.Error
	if !errors.As(err, &e) || e.Code != core.CodeUnsure || e.Key != key {
		t.Errorf("%s: %v, want %s", what, err, key)
	}
}

// A disk that is not mounted is not taken for an empty directory, by a process that
// starts then or by one that runs, and nothing is written onto its mount point. Once it
// is back, both go on.
func TestMountThatIsAway(t *testing.T) {
	var n note
	path := filepath.Join(t.TempDir(), "store")
	d := blob.OpenMarked(path, n.mark())
	put(t, d, "a/one", "un")
	away := path + ".unmounted"
	must(t, os.Rename(path, away), os.Mkdir(path, 0o700))
	starts := blob.OpenMarked(path, n.mark())
	for who, d := range map[string]*blob.Dir{"running": d, "starting": starts} {
		_, err := d.Put(t.Context(), "a/two", strings.NewReader("deux"))
		wantKey(t, who+" put", err, "blob.away")
		_, err = d.Open("a/one")
		wantKey(t, who+" open", err, "blob.away")
		_, err = d.Stat("a/one")
		wantKey(t, who+" stat", err, "blob.away")
		_, err = d.Free()
		wantKey(t, who+" free", err, "blob.away")
		wantKey(t, who+" walk", d.Walk("", func(string) error { return nil }), "blob.away")
		wantKey(t, who+" remove", d.Remove("a/one"), "blob.away")
		wantKey(t, who+" move", d.Move("a/one", "b"), "blob.away")
		wantKey(t, who+" check", d.Check(), "blob.away")
	}
	if entries, err := os.ReadDir(path); err != nil || len(entries) != 0 {
		t.Errorf("written onto the mount point: %v, %v", entries, err)
	}
	must(t, os.Remove(path))
	wantKey(t, "no mount point", d.Check(), "blob.away")
	must(t, os.Rename(away, path))
	for who, d := range map[string]*blob.Dir{"running": d, "starting": starts} {
		if _, err := d.Stat("a/one"); err != nil {
			t.Errorf("%s, mounted again: %v", who, err)
		}
	}
	put(t, d, "a/two", "deux")
	put(t, starts, "a/three", "trois")
}

func TestAnotherDisk(t *testing.T) {
	n, other := note{}, note{}
	dir := t.TempDir()
	path, second := filepath.Join(dir, "store"), filepath.Join(dir, "second")
	d := blob.OpenMarked(path, n.mark())
	put(t, d, "one", "un")
	must(t, blob.OpenMarked(second, other.mark()).Check())
	n.used = true
	must(t, os.Rename(path, path+".old"), os.Rename(second, path))
	wantKey(t, "another disk", d.Check(), "blob.other")
	must(t, d.Accept(), d.Check(), blob.OpenMarked(path, n.mark()).Check())
	put(t, d, "one", "un")
	must(t, os.WriteFile(filepath.Join(path, ".entrechat-folder"), []byte("entrechat-folder/1 XXXX\n"), 0o600))
	// A process that runs has seen this directory; one that starts finds the file damaged.
	wantKey(t, "damaged", blob.OpenMarked(path, n.mark()).Check(), "blob.other")
}

// What an earlier version made has no mark, and gets one; an empty directory in its
// place does not.
func TestDirectoryFromBeforeMarks(t *testing.T) {
	n := note{used: true}
	path := filepath.Join(t.TempDir(), "store")
	wantKey(t, "not there", blob.OpenMarked(path, n.mark()).Check(), "blob.away")
	must(t, os.MkdirAll(filepath.Join(path, "lost+found"), 0o700))
	wantKey(t, "empty", blob.OpenMarked(path, n.mark()).Check(), "blob.away")
	must(t, os.WriteFile(filepath.Join(path, "one"), []byte("un"), 0o600))
	d := blob.OpenMarked(path, n.mark())
	must(t, d.Check())
	if n.id == "" {
		t.Error("its id was not kept")
	}
	if got := names(t, d, ""); len(got) != 1 || got[0] != "one" {
		t.Errorf("%v", got)
	}
	// The note is lost with the database, and made again from the directory.
	id := n.id
	n.id = ""
	must(t, blob.OpenMarked(path, n.mark()).Check())
	if n.id != id {
		t.Errorf("%q, was %q", n.id, id)
	}
	// A recovery made a new, empty directory; then the old one is put in its place.
	n = note{}
	fresh := filepath.Join(t.TempDir(), "store")
	d = blob.OpenMarked(fresh, n.mark())
	must(t, d.Check(), os.RemoveAll(fresh), os.Rename(path, fresh), d.Check())
	if n.id != id || len(names(t, d, "")) != 1 {
		t.Errorf("%q, was %q", n.id, id)
	}
}

// Programs that save whole machines leave out a folder with this file.
func TestCacheTag(t *testing.T) {
	_, path := open(t)
	file := filepath.Join(path, "CACHEDIR.TAG")
	for range 2 {
		text, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(string(text), "Signature: 8a477f597d28d172789f06886806bc55\n") {
			t.Errorf("%q, %v", text, err)
		}
		// Damaged, it is written anew at the next start.
		must(t, os.WriteFile(file, append([]byte("X"), text[1:]...), 0o600), blob.OpenMarked(path, blob.Mark{}).Check())
	}
}

// A bit that changes in the mark does not make another directory of it: the mark is put
// right. More than a few bytes do.
func TestFlippedBitInAMark(t *testing.T) {
	var n note
	path := filepath.Join(t.TempDir(), "store")
	d := blob.OpenMarked(path, n.mark())
	put(t, d, "one", "un")
	n.used = true
	name := filepath.Join(path, ".entrechat-folder")
	sound, err := os.ReadFile(name)
	must(t, err)
	line := len("entrechat-folder/1 ") + len(n.id)
	id := n.id
	for at := range line + 1 {
		for bit := range 8 {
			text := append([]byte{}, sound...)
			text[at] ^= 1 << bit
			must(t, os.WriteFile(name, text, 0o600), blob.OpenMarked(path, n.mark()).Check())
			if got, err := os.ReadFile(name); at < line && (err != nil || string(got) != string(sound)) || n.id != id {
				t.Fatalf("byte %d bit %d: %q, %v; id %s", at, bit, got, err, n.id)
			}
		}
	}
	text := append([]byte{}, sound...)
	for at := range 5 {
		text[line-1-at] ^= 1
	}
	must(t, os.WriteFile(name, text, 0o600))
	wantKey(t, "much of it", blob.OpenMarked(path, n.mark()).Check(), "blob.other")
}
