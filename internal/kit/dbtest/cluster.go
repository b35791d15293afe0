package dbtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// cluster is one running PostgreSQL server and its folder.
type cluster struct {
	dir   string // data, socket and log
	count atomic.Int64
	// lifeline is the guardian's standard input. It is kept here because the
	// collector closes a file nobody refers to.
	lifeline io.Closer
}

// shared starts the test binary's one cluster at the first call.
var shared = sync.OnceValues(start) //nolint:gochecknoglobals // one server for all tests of a binary

// guardian runs the server and outlives the test binary by a moment: its
// standard input is a pipe that the kernel closes when the binary ends, be it by
// os.Exit, a panic or kill -9. Then the server stops and the folder goes.
const guardian = `
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c full_page_writes=off \
  -c synchronous_commit=off -c shared_buffers=16MB -c max_connections=200 -c wal_level=minimal \
  -c max_wal_senders=0 -c log_statement=none >"$2/log" 2>&1 </dev/null &
pid=$!
trap '' INT TERM HUP
read -r _
kill -QUIT $pid
wait $pid
cd / && rm -rf "$2"
`

// start makes and runs a cluster.
func start() (*cluster, error) {
	bin, err := findPostgres()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "entrechat-pg-")
	if err != nil {
		return nil, err
	}
	who, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "entrechat", //nolint:gosec // Debian's own path
		"--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	initdb.SysProcAttr, initdb.Dir = &syscall.SysProcAttr{Credential: who}, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	server := exec.Command("/bin/sh", "-c", guardian, "guardian", bin, dir) //nolint:gosec,noctx // it must outlive every context
	server.SysProcAttr, server.Dir = &syscall.SysProcAttr{Credential: who, Setpgid: true}, dir
	lifeline, err := server.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	c := &cluster{dir: dir, lifeline: lifeline}
	return c, c.wait()
}

// findPostgres looks where Debian, and then the PATH, keeps the newest server.
func findPostgres() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	newest, best := "", 0
	for _, f := range found {
		version, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(f))))
		if err == nil && version > best {
			newest, best = filepath.Dir(f), version
		}
	}
	if newest != "" {
		return newest, nil
	}
	if f, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(f), nil
	}
	return "", errors.New("store tests need a PostgreSQL server: run `sudo apt-get install -y postgresql`")
}

// unprivileged picks whom the server runs as, since PostgreSQL refuses root,
// and gives that user the folder. nil means ourselves.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // a nil Credential is how os/exec spells "ourselves"
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("no user to run PostgreSQL as: neither postgres nor nobody exists")
}

// wait returns once the server answers.
func (c *cluster) wait() error {
	deadline := time.Now().Add(5 * time.Minute)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		conn, err := pgx.Connect(ctx, c.url("postgres"))
		if err == nil {
			err = conn.Close(ctx)
			cancel()
			return err
		}
		cancel()
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			return fmt.Errorf("postgres did not start: %w\n%s", err, bytes.TrimSpace(log))
		}
		<-time.After(20 * time.Millisecond)
	}
}

func (c *cluster) url(database string) string {
	u := url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: url.Values{
		"host": {c.dir}, "user": {"entrechat"}, "sslmode": {"disable"},
	}.Encode()}
	return u.String()
}

// create makes an empty database and gives its name.
func (c *cluster) create(ctx context.Context) (string, error) {
	name := fmt.Sprintf("test_%d", c.count.Add(1))
	return name, c.admin(ctx, "CREATE DATABASE "+name)
}

func (c *cluster) drop(ctx context.Context, name string) error {
	return c.admin(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
}

func (c *cluster) admin(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		return fmt.Errorf("reach test cluster: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
