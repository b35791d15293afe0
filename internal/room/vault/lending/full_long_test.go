//go:build long && linux

package lending

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/room/vault/holder"
)

// On a disk that has no room even for a folder of the trash, in a mount namespace of its
// own, tombstones are taken and what was deleted makes room.
func TestFreeOnAFullDisk(t *testing.T) {
	if os.Getenv("LENDING_FULL_DISK") == "" {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestFreeOnAFullDisk$", "-test.v")
		again.Env = append(os.Environ(), "LENDING_FULL_DISK=1")
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
	w := sqliteWorld(t)
	if err := syscall.Mount("tmpfs", w.path, "tmpfs", 0, "size=2m,nr_inodes=64"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(w.path, syscall.MNT_DETACH) })
	w.mark = ""
	w.open()
	h, o := w.store.For(ana), w.newThing(1, 2000)
	w.mustPut(h, o, 0)
	for i := 0; ; i++ {
		if err := os.WriteFile(filepath.Join(w.path, fmt.Sprint("filler", i)), nil, 0o600); err != nil {
			break
		}
	}
	w.pass(holder.MinAge + time.Minute)
	if b := deleteAll(t, w, h, o); len(b.Deleted) != 1 {
		t.Fatalf("%+v", b)
	}
	w.pass(holder.Retention + time.Minute)
	if err := w.store.Free(t.Context()); err != nil {
		t.Fatal(err)
	}
	if used, err := w.store.records.used(t.Context(), ana); err != nil || used != 0 {
		t.Errorf("used %d, %v", used, err)
	}
	if _, err := os.Stat(filepath.Join(w.path, filepath.FromSlash(fileOf(holder.RefOf(o.heads[0].Header))))); !os.IsNotExist(err) {
		t.Errorf("its file: %v", err)
	}
}
