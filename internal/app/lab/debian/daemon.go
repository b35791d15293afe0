package debian

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

// Daemon is a server of another project.
type Daemon struct {
	Program string
	Args    []string
	Env     []string // beside ours
	Address string   // host:port where it listens
	Log     string   // shown when the test failed; empty = there is none
	Group   string   // file that names a process group of its own making; empty = it makes none
}

// Run runs it until the test ends, and waits until it listens.
func (d Daemon) Run(t testing.TB) {
	t.Helper()
	path, err := exec.LookPath(d.Program)
	if err != nil {
		path = "/usr/sbin/" + d.Program
	}
	c := exec.CommandContext(context.WithoutCancel(t.Context()), path, d.Args...) //nolint:gosec // the test's own words
	c.Env = append(os.Environ(), d.Env...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var said strings.Builder
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatalf("%s is missing, ./check needs installs it: %v", d.Program, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Wait() // it is killed
	}()
	t.Cleanup(func() {
		if text, err := os.ReadFile(d.Group); err == nil {
			if group, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && group > 1 {
				_ = syscall.Kill(-group, syscall.SIGKILL) // it may have ended
			}
		}
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // it may have ended
		<-ended
		if t.Failed() {
			text, _ := os.ReadFile(d.Log)
			t.Logf("%s: %s\n%s", d.Program, &said, text)
		}
	})
	d.await(t, ended)
}

// await waits until it listens.
func (d Daemon) await(t testing.TB, ended <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.Address); err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s ended", d.Program) // the cleanup shows what it said
		case <-ctx.Done():
			t.Fatalf("%s does not listen at %s", d.Program, d.Address)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Port reserves an address on loopback until the test ends.
func Port(t testing.TB) string {
	t.Helper()
	ports, err := lab.ReservePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ports.Close() })
	return ports.Addresses[0]
}

// Folder gives a folder that a server's own user may enter, and write in.
func Folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for path, mode := range map[string]os.FileMode{filepath.Dir(dir): 0o755, dir: 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Write writes a file, and the folders above it, and gives its name.
func Write(t testing.TB, name, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // read by the server's own user
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil { //nolint:gosec // the same
		t.Fatal(err)
	}
	return name
}
