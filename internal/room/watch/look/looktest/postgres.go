package looktest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Postgres is a PostgreSQL with a database "postgres" for everybody on a port, behind a
// service that a test looks at. It can be started again in its folder after its end.
type Postgres struct {
	*Server
	dir, bin string
	port     int
}

// NewPostgres makes a cluster and runs it.
func NewPostgres(tb testing.TB) *Postgres {
	tb.Helper()
	p := &Postgres{dir: Dir(tb), port: Port(tb)}
	all, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	Must(tb, err)
	if len(all) == 0 {
		tb.Fatal("PostgreSQL is missing: run  sudo apt-get install -y --no-install-recommends postgresql")
	}
	p.bin = all[len(all)-1]
	initdb := exec.CommandContext(tb.Context(), filepath.Join(p.bin, "initdb"), "-A", "trust", "-U", "postgres", "--no-sync", "--no-locale", "-D", filepath.Join(p.dir, "data")) //nolint:gosec // Debian's program
	initdb.Dir, initdb.SysProcAttr = p.dir, &syscall.SysProcAttr{Credential: nobody(tb, p.dir)}
	if out, err := initdb.CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
	p.Run(tb)
	return p
}

// Run starts it, the first time or again.
func (p *Postgres) Run(tb testing.TB) {
	tb.Helper()
	data := filepath.Join(p.dir, "data")
	p.Server = Start(tb, Program{
		Name: filepath.Join(p.bin, "postgres"), Debian: "postgresql", Dir: p.dir, Ports: []int{p.port},
		Args: []string{"-D", data, "-k", p.dir, "-p", strconv.Itoa(p.port), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=16MB"},
	})
	// It takes connections before it serves them.
	for range 600 {
		ready := exec.CommandContext(tb.Context(), filepath.Join(p.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(p.port)) //nolint:gosec // Debian's program
		if ready.Run() == nil {
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	tb.Fatalf("PostgreSQL is not ready:\n%s", p.Log())
}

// URL is where clients find it.
func (p *Postgres) URL() string {
	return "postgres://postgres@" + Address(p.port) + "/postgres?sslmode=disable"
}

// Hang stops it with all its connections, each of which is a process in a group of its own.
func (p *Postgres) Hang() {
	p.tb.Helper()
	p.Server.Hang()
	p.backends(syscall.SIGSTOP)
}

// Wake lets all go on.
func (p *Postgres) Wake() {
	p.tb.Helper()
	p.backends(syscall.SIGCONT)
	p.Server.Wake()
}

// backends sends a signal to the children of the first process.
func (p *Postgres) backends(s syscall.Signal) {
	p.tb.Helper()
	for _, group := range p.all() { // its own group: its number is the first process's
		number := strconv.Itoa(group)
		list, err := os.ReadFile("/proc/" + number + "/task/" + number + "/children")
		Must(p.tb, err)
		for field := range bytes.FieldsSeq(list) {
			pid, err := strconv.Atoi(string(field))
			Must(p.tb, err)
			if err := syscall.Kill(pid, s); err != nil && err != syscall.ESRCH {
				p.tb.Fatal(err)
			}
		}
	}
}

// End has it end at once, with all its connections, and waits for that.
func (p *Postgres) End() {
	p.tb.Helper()
	stop := exec.CommandContext(p.tb.Context(), filepath.Join(p.bin, "pg_ctl"), "stop", "-m", "immediate", "-w", "-D", filepath.Join(p.dir, "data")) //nolint:gosec // Debian's program
	stop.Dir, stop.SysProcAttr = p.dir, &syscall.SysProcAttr{Credential: nobody(p.tb, p.dir)}
	if out, err := stop.CombinedOutput(); err != nil {
		p.tb.Fatalf("%v\n%s", err, out)
	}
	p.Server.End()
}
