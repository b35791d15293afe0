//go:build long && linux

package blob_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
)

// A real disk that is really full, 3 MB of memory in a mount namespace of its own:
// what is there stays readable, nothing half is left, and space given back is used.
func TestFullDisk(t *testing.T) {
	if os.Getenv("BLOB_FULL_DISK") == "" {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestFullDisk$", "-test.v")
		again.Env = append(os.Environ(), "BLOB_FULL_DISK=1")
		again.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
		if out, err := again.CombinedOutput(); err != nil {
			t.Fatalf("%v (user namespaces are needed)\n%s", err, out)
		}
		return
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	path := filepath.Join(dir, "store")
	d, err := blob.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, d, "first", "bonjour")
	big := bytes.Repeat([]byte("x"), 1<<20)
	kept := 0
	for i := range 5 {
		_, err = d.Put(t.Context(), string(rune('a'+i)), bytes.NewReader(big))
		if err != nil {
			break
		}
		kept++
	}
	if core.CodeOf(err) != core.CodeFull || kept != 2 {
		t.Fatalf("%d kept, %v", kept, err)
	}
	noDrafts(t, path)
	if got := names(t, d, ""); len(got) != 3 {
		t.Errorf("%v", got)
	}
	if err := d.Remove("a"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Put(t.Context(), "z", bytes.NewReader(big)); err != nil {
		t.Errorf("after making room: %v", err)
	}
}
