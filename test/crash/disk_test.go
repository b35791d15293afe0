package crash

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

// disk gives a node a disk of its own, so small that it can be filled.
func (w *world) disk(n *lab.Node, size string) {
	w.t.Helper()
	w.must(os.MkdirAll(n.Dir, 0o700))
	if out, err := exec.CommandContext(w.ctx, "mount", "-t", "tmpfs", "-o", "size="+size, "crash", n.Dir).CombinedOutput(); err != nil {
		w.t.Fatalf("cannot mount a small disk: %v\n%s\nrun the test as root, or in a namespace of your own: unshare -rm go test ./test/crash", err, out)
	}
	w.t.Cleanup(func() {
		n.Kill()
		if out, err := exec.Command("umount", "-l", n.Dir).CombinedOutput(); err != nil {
			w.t.Errorf("umount %s: %v\n%s", n.Dir, err, out)
		}
	})
}

// grow makes a node's disk larger under its feet.
func (w *world) grow(n *lab.Node, size string) {
	w.t.Helper()
	out, err := exec.CommandContext(w.ctx, "mount", "-o", "remount,size="+size, n.Dir).CombinedOutput()
	if err != nil {
		w.t.Fatalf("remount %s: %v\n%s", n.Dir, err, out)
	}
}

// fill leaves so many bytes of a node's disk free; something else on that machine
// took the rest.
func (w *world) fill(n *lab.Node, leave int64) {
	w.t.Helper()
	var fs syscall.Statfs_t
	w.must(syscall.Statfs(n.Dir, &fs))
	f, err := os.OpenFile(filepath.Join(n.Dir, "filler"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	w.must(err)
	defer f.Close()
	_, err = io.CopyN(f, zeros{}, int64(fs.Bavail)*fs.Bsize-leave)
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		w.t.Fatal(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// floor has a node leave only so much of its small disk free.
func (w *world) floor(n *lab.Node, size string) { w.setting(n, "free_floor", size) }

// post sends the front a small file of the repository, as restic would, and
// answers status and text.
func (w *world) post(body []byte) (int, string) {
	w.t.Helper()
	var base string
	for _, v := range w.env {
		if text, ok := strings.CutPrefix(v, "RESTIC_REPOSITORY=rest:"); ok {
			base = text
		}
	}
	target, err := url.Parse(base)
	w.must(err)
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, target.JoinPath("data", nameOf(body)).String(), bytes.NewReader(body))
	w.must(err)
	client := http.Client{Timeout: 3 * time.Minute}
	res, err := client.Do(req)
	w.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	w.must(err)
	return res.StatusCode, string(text)
}

// running is a restic that works beside the test.
type running struct {
	mu   sync.Mutex
	out  bytes.Buffer
	cmd  *exec.Cmd
	done chan error
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Write(p)
}

func (r *running) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.String()
}

func (w *world) start(words ...string) *running {
	w.t.Helper()
	cmd := exec.CommandContext(w.ctx, w.restic, words...)
	cmd.Env = append(os.Environ(), w.env...)
	r := &running{cmd: cmd, done: make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = r, r
	w.must(cmd.Start())
	go func() { r.done <- cmd.Wait() }()
	return r
}

// ends waits for restic to end well.
func (w *world) ends(r *running, limit time.Duration) string {
	w.t.Helper()
	select {
	case err := <-r.done:
		if err != nil {
			w.t.Fatalf("%v\n%s", err, r.said())
		}
	case <-time.After(slowness * limit):
		w.t.Fatalf("restic did not get through in %s:\n%s", limit, r.said())
	}
	return saved(r.said())
}

// doctorSays runs doctor, which must find fault, and checks what it says.
func (w *world) doctorSays(n *lab.Node, want string) {
	w.t.Helper()
	out, err := n.Run(w.ctx, "doctor")
	if err == nil || !strings.Contains(out, want) {
		w.t.Errorf("doctor at %s ended with %v and does not say %q:\n%s", n.Name, err, want, out)
	}
}

const diskLow = "free_floor"

// The owner's disk fills up: restic hears why, restores go on, and the backup that
// was under way ends well once there is room.
func TestFullDiskAtTheOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, 5*time.Minute)
	owner := w.owner()
	w.disk(owner, "150m")
	w.found(func(n *lab.Node) { w.floor(n, "20MB") })
	w.agree()
	w.must(lab.WriteMix(w.data, 8_000_000, w.rng.Uint64()))
	w.open()
	first, before := w.backup(), w.tree()
	w.whole(time.Minute)

	w.fill(owner, 12_000_000)
	w.doctorSays(owner, diskLow)
	status, text := w.post([]byte("a file restic would send"))
	if status != http.StatusInsufficientStorage || !strings.Contains(text, "disk") {
		t.Errorf("a full disk is answered %d %q", status, text)
	}
	w.restoresTo(first, before)
	w.change("new", 9_000_000)
	saving := w.start("backup", "--json", w.data)
	w.eventually("refused", 30*time.Second, func() (bool, string) {
		return strings.Contains(saving.said(), "507"), saving.said()
	})
	w.grow(owner, "400m")
	second := w.ends(saving, 2*time.Minute)
	w.restoresTo(second, w.tree())

	// To the last byte: whatever is refused, the node lives and comes back.
	w.fill(owner, 0)
	if status, text = w.post([]byte("a file for which there is not one byte")); status != http.StatusInsufficientStorage {
		t.Errorf("a disk full to the last byte is answered %d %q", status, text)
	}
	w.doctorSays(owner, diskLow)
	w.restoresTo(second, w.tree(), "--no-lock")
	w.must(os.Remove(filepath.Join(owner.Dir, "filler")))
	w.change("newer", 3_000_000)
	w.restoresTo(w.backup(), w.tree())
	w.whole(time.Minute)
	w.ok("check", "--read-data")
	w.verifyLogs()
}

// Members' disks fill up: they are named, reading goes on, and what waits leaves
// by itself once there is room.
func TestFullDiskAtMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, 5*time.Minute)
	full := w.members()[:2]
	for _, n := range full {
		w.disk(n, "80m")
	}
	w.found(func(n *lab.Node) { w.floor(n, "10MB") })
	w.agree()
	w.must(lab.WriteMix(w.data, 8_000_000, w.rng.Uint64()))
	w.open()
	first, before := w.backup(), w.tree()
	w.whole(time.Minute)

	for _, n := range full {
		w.fill(n, 6_000_000)
		w.doctorSays(n, diskLow)
	}
	w.change("new", 9_000_000)
	saving := w.start("backup", "--json", w.data)
	w.eventually("named", 30*time.Second, func() (bool, string) {
		s := w.status()
		named := map[string]bool{}
		for _, trouble := range s.Troubles {
			if trouble.Kind == "full" && trouble.Over == 0 {
				named[trouble.Member] = true
			}
		}
		return named[full[0].Name] && named[full[1].Name] && len(named) == 2, fmt.Sprintf("%+v", s)
	})
	if said := saving.said(); saved(said) != "" {
		t.Errorf("restic was told that the snapshot is saved, with one copy: %s", said)
	}
	w.restoresTo(first, before)
	for _, n := range full {
		w.grow(n, "300m")
	}
	second := w.ends(saving, 2*time.Minute)
	w.restoresTo(second, w.tree())
	w.whole(time.Minute)
	w.ok("check", "--read-data")
}
