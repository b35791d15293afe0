// Package dbtest gives a store test every engine the node runs on: SQLite in a
// temporary file and PostgreSQL in a throw-away cluster of its own.
package dbtest

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"entrechat/internal/kit/db"
)

// Each runs fn once per engine as a subtest, on an empty database with the
// migrations of name applied. A machine without PostgreSQL fails the test: a
// skip would hide half of the truth.
func Each(t *testing.T, name string, migrations fs.FS, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run(db.SQLite, func(t *testing.T) { fn(t, open(t, Address(t), name, migrations)) })
	t.Run(db.Postgres, func(t *testing.T) { fn(t, open(t, postgres(t), name, migrations)) })
}

// SQLite opens an empty SQLite database with the migrations of name applied, for
// tests that are not about the store.
func SQLite(t *testing.T, name string, migrations fs.FS) *db.DB {
	t.Helper()
	return open(t, Address(t), name, migrations)
}

// Address names a fresh SQLite file that goes with the test.
func Address(t *testing.T) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
}

func open(t *testing.T, address, name string, migrations fs.FS) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if migrations != nil {
		if err := db.Migrate(t.Context(), d, name, migrations); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// cluster is the one PostgreSQL of a test binary. It ends with the binary: its
// postgres is told to die with its parent, and its folder is made anew.
type cluster struct {
	once sync.Once
	dir  string
	err  error
	next atomic.Int64
}

var shared cluster //nolint:gochecknoglobals // one server for all tests of a binary

func postgres(t *testing.T) string {
	t.Helper()
	shared.once.Do(func() { shared.err = shared.start() })
	if shared.err != nil {
		t.Fatalf("PostgreSQL is needed (apt-get install postgresql): %v", shared.err)
	}
	name := fmt.Sprintf("t%d", shared.next.Add(1))
	address := func(base string) string {
		return fmt.Sprintf("postgres://postgres@/%s?host=%s&sslmode=disable", base, shared.dir)
	}
	admin, err := db.Open(t.Context(), address("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close() //nolint:errcheck // a test's own connection
	if _, err := db.Exec(t.Context(), admin, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return address(name)
}

func (c *cluster) start() error {
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bins) == 0 {
		return fmt.Errorf("no /usr/lib/postgresql/*/bin: %w", os.ErrNotExist)
	}
	bin := bins[len(bins)-1]
	sweep()
	if c.dir, err = os.MkdirTemp("", fmt.Sprintf("entrechat-pg-%d-", os.Getpid())); err != nil {
		return err
	}
	attr, err := asPostgres(c.dir)
	if err != nil {
		return err
	}
	data := filepath.Join(c.dir, "data")
	if err := run(attr, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-N"); err != nil {
		return err
	}
	return run(attr, filepath.Join(bin, "pg_ctl"), "-D", data, "-w", "-l", filepath.Join(c.dir, "log"), "-o",
		"-k "+c.dir+" -c listen_addresses='' -c fsync=off -c shared_buffers=16MB -c max_connections=60", "start")
}

// asPostgres gives the folder to an unprivileged user when we are root, because
// postgres refuses to run as root.
func asPostgres(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return nil, nil //nolint:nilnil // nothing to change is a good answer
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, _ := strconv.Atoi(who.Uid)
	gid, _ := strconv.Atoi(who.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil //nolint:gosec // ids fit
}

func run(attr *syscall.SysProcAttr, name string, args ...string) error {
	cmd := exec.CommandContext(context.Background(), name, args...) //nolint:gosec // Debian's own paths
	cmd.Dir, cmd.SysProcAttr = "/", attr
	// pg_ctl's child keeps our pipes open, so output goes to a file.
	out, err := os.CreateTemp("", "entrechat-pg-out-")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name()) //nolint:errcheck // scratch
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name()) //nolint:errcheck // only to say more
		return fmt.Errorf("%s: %w: %s", filepath.Base(name), err, text)
	}
	return nil
}

// sweep stops clusters whose test binary is gone: a binary cannot end its own
// after the last test, because Go gives libraries no such moment.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), "entrechat-pg-[0-9]*")) //nolint:errcheck // fixed pattern
	for _, dir := range dirs {
		pid, err := strconv.Atoi(strings.Split(filepath.Base(dir), "-")[2])
		if err != nil || syscall.Kill(pid, 0) == nil {
			continue
		}
		stop(dir)
	}
}

func stop(dir string) {
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid")) //nolint:gosec // our own folder
	if err == nil {
		first, _, _ := strings.Cut(string(text), "\n")
		if pid, err := strconv.Atoi(first); err == nil {
			_ = syscall.Kill(pid, syscall.SIGQUIT) //nolint:errcheck // it may be gone already
		}
	}
	_ = os.RemoveAll(dir) //nolint:errcheck // the next sweep tries again
}
