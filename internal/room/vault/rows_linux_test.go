package vault

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"entrechat/internal/kit/access"
	"entrechat/internal/room/vault/rest"
)

// A file of another user neither hides the one that is looked for, nor makes one that is
// not found a lost one.
func TestFileOfAnotherUserInTheLocalStore(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	w.settled()
	w.stop()
	w.open()
	defer w.room.n.DB.Close()
	body := randomBytes(1000, 1)
	o := w.accept(rest.Handle{Type: rest.Data, Name: nameOf(body)}, body)
	folder := filepath.Join(w.dir, "vault", "shelf")
	first := filepath.Join(folder, "00")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.room.local.Put(t.Context(), "00/barred", strings.NewReader(string(make([]byte, o.Sealed)))); err != nil {
		t.Fatal(err)
	}
	must(os.Chmod(filepath.Join(first, "barred"), 0))
	sought := filepath.Join(folder, o.Local)
	for dir := filepath.Dir(sought); len(dir) >= len(filepath.Dir(w.dir)); dir = filepath.Dir(dir) {
		must(os.Chmod(dir, 0o755))
	}
	must(os.Chmod(first, 0o755))
	must(os.Chmod(sought, 0o644))
	// For the disk this thread is nobody now: root may read everything.
	asNobody := func(look func()) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if os.Getuid() == 0 {
			must(syscall.Setfsuid(65534))
			defer func() { _ = syscall.Setfsuid(0) }()
		}
		look()
	}
	asNobody(func() {
		if name, err := w.room.recovery.Disk.Find(o); name != o.Local || err != nil {
			t.Errorf("found %q, %v", name, err)
		}
	})
	must(os.Remove(sought))
	asNobody(func() {
		if name, err := w.room.recovery.Disk.Find(o); name != "" || !access.Denied(err) {
			t.Errorf("not there: %q, %v", name, err)
		}
	})
}
