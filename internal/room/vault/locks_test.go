package vault

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/vault/keyring"
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

// A lock that restic did not make for this repository keeps every newer restic out, and
// `restic unlock` does not help: who may only read cannot write one, and one that lies there
// is taken away.
func TestOnlyResticLocks(t *testing.T) {
	t.Parallel() // restic spends its time on its password
	w := newWorld(t, 2)
	made := w.create("files")
	env, data := w.env("files", ""), filepath.Join(t.TempDir(), "data")
	writeTree(t, data, 3, 1000, 5)
	for _, program := range []string{resticOld(t), resticNew(t)} {
		if program == resticOld(t) {
			w.restic(program, env, "init")
		}
		for i, token := range []string{made.Read, ""} {
			body := randomBytes(200, byte(i))
			if status, text := w.client("files", token).do("POST", "/locks/"+nameOf(body), body); status != http.StatusBadRequest {
				t.Errorf("a lock of nobody's: %d %s", status, text)
			}
		}
		stray, dir := randomBytes(150, 7), filepath.Join(w.dir, "vault", "locks", "files")
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, nameOf(stray)+".read"), stray, 0o600)); err != nil {
			t.Fatal(err)
		}
		w.restic(program, env, "backup", data)
		w.restic(program, w.env("files", made.Read), "check")
	}
	// A password that this node does not know keeps nobody out.
	if err := w.room.keyring.Write("files", keyring.Password, "another"); err != nil {
		t.Fatal(err)
	}
	w.client("files", "").put(rest.Locks, aLock(9))
}
