package blob_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"entrechat/internal/core"
)

// What belongs to another user is named with its path, and is not missing.
func TestFileOfAnotherUser(t *testing.T) {
	d, path := open(t)
	put(t, d, "one", "un")
	for _, dir := range []string{path, filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
		must(t, os.Chmod(dir, 0o755))
	}
	must(t, os.Chmod(filepath.Join(path, "one"), 0))
	// For the disk this thread is nobody now: root may read everything.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if os.Getuid() == 0 {
		if err := syscall.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = syscall.Setfsuid(0) }()
	}
	_, err := d.Open("one")
	var e *core.Error
	if !errors.As(err, &e) || e.Key != "access.not_ours" || e.Args["Path"] != filepath.Join(path, "one") {
		t.Errorf("%+v, %v", e, err)
	}
}
