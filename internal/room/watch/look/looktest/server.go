package looktest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// guardian runs a program in a process group of its own and outlives the test by a moment:
// its standard input is a pipe that the kernel closes when the test ends, be it by a panic
// or kill -9. Then the group is killed. Postfix makes another group: its pid file says which.
const guardian = `
trap '' INT TERM HUP
setsid "$@" </dev/null &
echo $! >group
read -r _
kill -s KILL -- -$!
if [ -r "$GROUP_FILE" ]; then kill -s KILL -- "-$(tr -d ' ' <"$GROUP_FILE")"; fi
wait
`

// Server is one running program.
type Server struct {
	tb     testing.TB
	cmd    *exec.Cmd
	life   io.Closer // its standard input
	log    string
	groups string // a file that names another process group; may be absent
	once   sync.Once
}

// Program is what to run.
type Program struct {
	Name   string   // "knotd", or a path; a name is looked for where Debian has programs for administrators
	Debian string   // the package that has it
	Args   []string // after the name
	Env    []string // beside the test's own, "NAME=value"
	Dir    string   // its folder
	Root   bool     // it runs as root only, and gives that up by itself
	Groups string   // file that names its own process group, of a program that makes one
	Ports  []int    // it is ready when all of these take connections
}

// Dir is a fresh folder that any user may read, as the servers' users must.
func Dir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "entrechat-look-") //nolint:usetesting // TempDir's parent is closed to other users
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Errorf("%v", err)
		}
	})
	Must(tb, os.Chmod(dir, 0o755)) //nolint:gosec // as the comment says
	return dir
}

// Must ends the test with an error.
func Must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// Write writes a file into a folder and answers its path.
func Write(tb testing.TB, dir, name, text string) string {
	tb.Helper()
	path := filepath.Join(dir, name)
	Must(tb, os.MkdirAll(filepath.Dir(path), 0o755))  //nolint:gosec // the servers' users read it
	Must(tb, os.WriteFile(path, []byte(text), 0o644)) //nolint:gosec // the servers' users read it
	return path
}

// given are the ports that Port answered.
var given sync.Map //nolint:gochecknoglobals // the ports of this machine are global too

// Port is a port of 127.0.0.1 where nobody listens, given once. It lies below those that the
// kernel hands out, so that no connection takes it meanwhile, and is drawn, so that tests of
// another package do not choose the same.
func Port(tb testing.TB) int {
	tb.Helper()
	for range 1000 {
		port := 10240 + rand.IntN(32768-10240) //nolint:gosec // no secret
		if _, taken := given.LoadOrStore(port, true); !taken && free(tb, port) {
			return port
		}
	}
	tb.Fatal("there is no free port")
	return 0
}

// free says whether nobody listens on a port.
func free(tb testing.TB, port int) bool {
	tb.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), "tcp", Address(port))
	if err != nil {
		return false
	}
	Must(tb, l.Close())
	u, err := lc.ListenPacket(tb.Context(), "udp", Address(port))
	if err != nil {
		return false
	}
	Must(tb, u.Close())
	return true
}

// Address is 127.0.0.1 with a port.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// Find is where a program is.
func Find(tb testing.TB, name, debian string) string {
	tb.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/usr/lib/postfix/sbin"} {
		if path := filepath.Join(dir, name); executable(path) {
			return path
		}
	}
	tb.Fatalf("%s is missing: run  sudo apt-get install -y --no-install-recommends %s", name, debian)
	return ""
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o111 != 0
}

// Start runs a program and waits until it listens; the test ends it.
func Start(tb testing.TB, p Program) *Server {
	tb.Helper()
	path := Find(tb, p.Name, p.Debian)
	log, err := os.Create(filepath.Join(p.Dir, "log-of-"+filepath.Base(p.Name)))
	Must(tb, err)
	defer func() { _ = log.Close() }() // the program has its own
	args := append([]string{"-c", guardian, "guardian", path}, p.Args...)
	name := "/bin/sh"
	if p.Root && os.Geteuid() != 0 {
		if _, err := exec.LookPath("sudo"); err != nil {
			tb.Fatalf("%s starts as root only: run this test as root, or with a sudo that asks for no password", p.Name)
		}
		name, args = "sudo", append([]string{"-n", "--preserve-env=GROUP_FILE", name}, args...)
	}
	cmd := exec.Command(name, args...) //nolint:gosec,noctx // a test's own command; it ends with its standard input
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.Dir, log, log
	cmd.Env = append(append(os.Environ(), "GROUP_FILE="+p.Groups), p.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if !p.Root {
		cmd.SysProcAttr.Credential = nobody(tb, p.Dir)
	}
	in, err := cmd.StdinPipe()
	Must(tb, err)
	Must(tb, cmd.Start())
	s := &Server{tb: tb, cmd: cmd, life: in, log: log.Name(), groups: p.Groups}
	tb.Cleanup(s.End)
	for _, port := range p.Ports {
		s.wait(port)
	}
	return s
}

// nobody gives a folder to the user "nobody" when we are root: real servers refuse to be
// root, or do more than they would elsewhere. nil = ourselves.
func nobody(tb testing.TB, dir string) *syscall.Credential {
	tb.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid := ids(tb, "nobody")
	Must(tb, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid) //nolint:gosec // the folder is this test's own
	}))
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)} //nolint:gosec // ids of users
}

// ids are the numbers of a user and its group.
func ids(tb testing.TB, name string) (uid, gid int) {
	tb.Helper()
	u, err := user.Lookup(name)
	Must(tb, err)
	uid, err = strconv.Atoi(u.Uid)
	Must(tb, err)
	gid, err = strconv.Atoi(u.Gid)
	Must(tb, err)
	return uid, gid
}

// User names whom a server runs as that is not root, and its group.
func User(tb testing.TB) (name, group string) {
	tb.Helper()
	if os.Geteuid() == 0 {
		return "nobody", "nogroup"
	}
	u, err := user.Current()
	Must(tb, err)
	g, err := user.LookupGroupId(u.Gid)
	Must(tb, err)
	return u.Username, g.Name
}

// wait returns when a port takes connections.
func (s *Server) wait(port int) {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(s.tb.Context(), time.Minute)
	defer cancel()
	var d net.Dialer
	for {
		c, err := d.DialContext(ctx, "tcp", Address(port))
		if err == nil {
			Must(s.tb, c.Close())
			return
		}
		select {
		case <-ctx.Done():
			s.tb.Fatalf("%s does not listen on %d: %v\n%s", s.cmd.Args[4], port, err, s.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Log is what the program said.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Hang stops the program and its children where they are, and returns once none of their
// threads runs any more.
func (s *Server) Hang() {
	s.tb.Helper()
	s.signal(syscall.SIGSTOP)
	for range 3000 {
		if !slices.ContainsFunc(s.all(), running) {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	s.tb.Fatalf("%s does not stop", s.cmd.Args[4])
}

// running says whether a thread of a process group is not stopped, where there is /proc.
func running(group int) bool {
	threads, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*/stat")
	if err != nil {
		return false
	}
	return slices.ContainsFunc(threads, func(file string) bool {
		text, err := os.ReadFile(file)
		if err != nil {
			return false // it ended meanwhile
		}
		// "PID (NAME) STATE PARENT GROUP ...", proc(5); a name may hold anything.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		return len(fields) > 2 && fields[2] == strconv.Itoa(group) && !strings.Contains("TZX", fields[0])
	})
}

// Wake lets them go on.
func (s *Server) Wake() {
	s.tb.Helper()
	s.signal(syscall.SIGCONT)
}

func (s *Server) signal(sig syscall.Signal) {
	s.tb.Helper()
	for _, group := range s.all() {
		err := syscall.Kill(-group, sig)
		if errors.Is(err, syscall.EPERM) {
			err = exec.CommandContext(s.tb.Context(), "sudo", "-n", "kill", "-"+strconv.Itoa(int(sig)), "--", "-"+strconv.Itoa(group)).Run() //nolint:gosec // our own numbers
		}
		Must(s.tb, err)
	}
}

// all are the process groups of the program.
func (s *Server) all() []int {
	var list []int
	for _, file := range []string{filepath.Join(s.cmd.Dir, "group"), s.groups} {
		if text, err := os.ReadFile(file); err == nil {
			if n, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && !slices.Contains(list, n) && syscall.Kill(-n, 0) != syscall.ESRCH {
				list = append(list, n)
			}
		}
	}
	return list
}

// End kills the program and its children, and waits for that. It may be called again.
func (s *Server) End() {
	s.once.Do(func() {
		_ = s.life.Close() // the guardian kills when this ends
		_ = s.cmd.Wait()   // by a signal, as it should
	})
}
