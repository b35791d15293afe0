package vault

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/vault/rest"
)

// Who may only read may write locks, and nothing else under that name: no bytes that
// are no lock, no thousand of them, and nobody else's turn taken.
func TestReadTokenCannotFillWithLocks(t *testing.T) {
	w := newWorld(t, 2)
	made := w.create("files")
	read, c := w.client("files", made.Read), w.client("files", "")
	for _, size := range []int{1, rest.MinLock - 1, rest.MaxLock + 1} {
		body := randomBytes(size, 9)
		if status, _ := read.do("POST", "/locks/"+nameOf(body), body); status != http.StatusBadRequest {
			t.Errorf("a lock of %d bytes: %d", size, status)
		}
	}
	for i := range maxLocks {
		read.put(rest.Locks, aLock(byte(i)))
	}
	one := aLock(200)
	if status, text := read.do("POST", "/locks/"+nameOf(one), one); status != http.StatusInsufficientStorage {
		t.Errorf("one lock too many: %d %s", status, text)
	}
	c.put(rest.Locks, one)
}

// A disk at its floor takes no lock either; a restore may begin all the same, because
// locks reach half as deep.
func TestLocksKeepTheFloor(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	w.room.locks.disk = w.room.locks.disk.WithFloor(1 << 60)
	body := aLock(1)
	if status, _ := w.client("files", "").do("POST", "/locks/"+nameOf(body), body); status != http.StatusInsufficientStorage {
		t.Errorf("status %d", status)
	}
}

// Locks that a disk damaged, that an older node took, or whose restic died are shown to
// nobody: restic 0.19 panics over one that is too short.
func TestBrokenLocksAreNotServed(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	c := w.client("files", "")
	dir := filepath.Join(w.dir, "vault", "locks", "files")
	good, old := aLock(1), aLock(2)
	c.put(rest.Locks, good)
	c.put(rest.Locks, old)
	long := time.Now().Add(-lockLife - time.Minute)
	if err := os.Chtimes(filepath.Join(dir, nameOf(old)+".append"), long, long); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{nameOf([]byte("x")): []byte("x"), nameOf([]byte("y")): aLock(3)} {
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
		if status, _ := c.do("GET", "/locks/"+name, nil); status != http.StatusNotFound {
			t.Errorf("%s is served: %d", name, status)
		}
	}
	if status, list := c.do("GET", "/locks/", nil); status != http.StatusOK || strings.Count(string(list), "\"") != 2 || !strings.Contains(string(list), nameOf(good)) {
		t.Errorf("%d %s", status, list)
	}
}
