package crash

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

// Pacts of a few megabytes, and more is saved: restic hears 507, whom it is about is said
// everywhere, `forget --prune` gets through, and with larger pacts all of it is saved.
// Then somebody works as root in the service's directories.
func TestDisastersOfThree(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, 4*time.Minute)
	w.found(func(*lab.Node) {})
	w.agreeOn("8MB")
	w.must(lab.WriteMix(w.data, 1_000_000, w.rng.Uint64()))
	w.open()
	w.backup()
	for _, d := range []struct {
		name    string
		happens func(*world)
	}{
		{"full pact", (*world).fullPact},
		{"files of root", (*world).filesOfRoot},
	} {
		if !t.Run(d.name, func(t *testing.T) {
			w.t = t
			d.happens(w)
		}) {
			return
		}
	}
}

func (w *world) fullPact() {
	owner, lenders := w.owner(), w.members()
	w.change("fits", 600_000)
	small, fits := w.backup(), w.tree()
	w.whole(time.Minute)

	const full = "The members have no room for this: chaton-b.test, chaton-c.test"
	w.change("large", 24_000_000)
	saving := w.start("backup", "--pack-size", "4", w.data)
	w.eventually("refused", time.Minute, func() (bool, string) {
		return strings.Contains(saving.said(), "507"), saving.said()
	})
	out := w.tells(owner, 0, []string{"vault", "status"}, "NO ROOM at the members")
	for _, n := range lenders {
		if !strings.Contains(out, n.Name+": ") || !strings.Contains(out, "left of the 8 MB promised") {
			w.t.Errorf("vault status does not say what is left at %s:\n%s", n.Name, out)
		}
	}
	w.doctorSays(owner, full)
	if status, text := w.post(bytes.Repeat([]byte("too much "), 1_000_000)); status != http.StatusInsufficientStorage || !strings.Contains(text, full) {
		w.t.Errorf("what fits nowhere is answered %d %q", status, text)
	}
	_ = saving.cmd.Process.Signal(syscall.SIGINT) // it may have given up already
	select {
	case err := <-saving.done:
		w.t.Logf("restic ended with %v", err)
	case <-time.After(slowness * time.Minute):
		w.t.Fatalf("restic does not end:\n%s", saving.said())
	}

	if out, err := w.run(w.prune, "forget", "--keep-last", "1", "--prune", "--max-repack-size", "0"); err != nil {
		w.t.Fatalf("restic finds no room to remove something: %v\n%s", err, out)
	}
	if ids, err := w.listed(); err != nil || len(ids) != 1 {
		w.t.Errorf("kept are %v, %v", ids, err)
	}
	w.restoresTo(small, fits)
	w.doctorSays(owner, full) // what was removed counts for 30 days more

	for _, n := range lenders {
		w.must(lab.Pact(w.ctx, owner, n, "300MB"))
	}
	w.eventually("room again", time.Minute, func() (bool, string) {
		out := w.tells(owner, 0, []string{"vault", "status"})
		return !strings.Contains(out, "NO ROOM"), out
	})
	large := saved(w.ok("backup", "--json", w.data))
	w.whole(time.Minute)
	w.restoresTo(large, w.tree())
	w.ok("check", "--read-data")
}

// service is the user that the packaged service would be.
const service = 65534

// serve has a node run as the service's user from its next start on, as packaged; who is
// not root stays who he is.
func (w *world) serve(n *lab.Node) {
	w.t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	for _, dir := range []string{filepath.Dir(w.dir), filepath.Dir(n.Program)} {
		w.must(os.Chmod(dir, 0o711))
	}
	w.must(filepath.WalkDir(n.Dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, service, service)
	}))
	script := fmt.Sprintf("#!/bin/sh\nexec setpriv --reuid=%d --regid=%d --clear-groups %s \"$@\"\n", service, service, n.Program)
	n.Program = filepath.Join(w.dir, n.Name+".sh")
	w.must(os.WriteFile(n.Program, []byte(script), 0o700))
}

// others gives a file or folder to another user, with the mode that root's files have.
func (w *world) others(path string) {
	w.t.Helper()
	if os.Geteuid() != 0 {
		w.must(os.Chmod(path, 0))
		return
	}
	w.must(os.Lchown(path, 0, 0))
	mode := os.FileMode(0o600)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		mode = 0o700
	}
	w.must(os.Chmod(path, mode))
}

var cure = regexp.MustCompile(`As root: (ch(?:own|mod) -R [^ \n]+ ([^ \n]+))`)

// cured does, as root, what doctor says of a file until it says nothing more of any.
func (w *world) cured(n *lab.Node, want ...string) {
	w.t.Helper()
	var done []string
	for range 10 {
		out, code := w.says(n, "doctor")
		line := cure.FindStringSubmatch(out)
		if line == nil {
			break
		}
		if code == 0 {
			w.t.Errorf("doctor at %s ends well and says:\n%s", n.Name, out)
		}
		done = append(done, line[2])
		if said, err := exec.CommandContext(w.ctx, "sh", "-c", line[1]).CombinedOutput(); err != nil {
			w.t.Fatalf("%s: %v\n%s", line[1], err, said)
		}
	}
	for _, path := range want {
		found := false
		for _, name := range done {
			found = found || strings.HasPrefix(path+"/", name+"/")
		}
		if !found {
			w.t.Errorf("doctor at %s names %v, not %s", n.Name, done, path)
		}
	}
}

// filesOfRoot: root made a backup, restored a file into the store and copied a disk with
// its lost+found: the node starts what it can, names each file and the command that helps.
func (w *world) filesOfRoot() {
	owner, lender := w.owner(), w.members()[0]
	w.must(os.RemoveAll(filepath.Join(w.data, "changed", "large")))
	w.openAt(owner, "roots")
	for _, n := range []*lab.Node{owner, lender} {
		n.Stop()
		lost := make([]string, 0, 6)
		for _, dir := range []string{"store", "secrets", "vault/shelf", "vault/locks", "vault/secret", "directory"} {
			lost = append(lost, filepath.Join(n.Data(), dir, "lost+found"))
			w.must(os.MkdirAll(lost[len(lost)-1], 0o700))
		}
		w.serve(n)
		for _, dir := range lost {
			w.others(dir)
		}
	}
	secret := filepath.Join(owner.Data(), "vault", "secret", "roots.identity")
	shelf := w.files(filepath.Join(owner.Data(), "vault", "shelf"))[0]
	w.others(shelf)
	w.others(secret)
	var held string
	for _, path := range w.files(storeOf(lender)) {
		if strings.Contains(strings.TrimLeft(filepath.Base(path), "."), ".") {
			held = path
		}
	}
	w.others(held)

	w.each([]*lab.Node{owner, lender}, func(n *lab.Node) error { return n.Up(w.ctx) })
	w.change("meanwhile", 300_000)
	snapshot := w.backup()
	w.forget()
	w.restoresTo(snapshot, w.tree(), "--no-cache")
	w.tells(owner, 0, []string{"vault", "status", "files"}, "files: ")
	for _, n := range []*lab.Node{owner, lender} {
		if out, _ := w.says(n, "doctor"); strings.Contains(out, "lost+found") {
			w.t.Errorf("doctor at %s speaks of a folder that every disk has:\n%s", n.Name, out)
		}
	}
	w.cured(owner, secret, shelf)
	w.cured(lender, held)
	for _, n := range []*lab.Node{owner, lender} {
		n.Stop()
	}
	w.each([]*lab.Node{owner, lender}, func(n *lab.Node) error { return n.Up(w.ctx) })
	w.allThere()
	w.tells(owner, 0, []string{"vault", "status", "roots"}, "roots: ")
	w.restoresTo(snapshot, w.tree(), "--no-cache")
}
