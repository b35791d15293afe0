package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// node is one hoster of the story: a data directory and, while it lives, a
// process of this same binary.
type node struct {
	name    string // origin, chaton-a.test
	dir     string // its whole disk
	public  string // host:port others reach
	tools   string // host:port of the restic front
	program string // this binary
	process *exec.Cmd
	dead    chan struct{}
	log     *os.File
}

func (n *node) data() string { return filepath.Join(n.dir, "data") }
func (n *node) url() string  { return "http://" + n.public }

// run executes one entrechat command as this hoster would and returns what it
// printed.
func (n *node) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, n.program, args...) //nolint:gosec // this binary, fixed words
	cmd.Env = n.env()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: entrechat %s: %w\n%s", n.name, strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

func (n *node) env() []string {
	return append(os.Environ(), "ENTRECHAT_DATA="+n.data(), "ENTRECHAT_LANG=en")
}

// up starts the node and waits until it answers that it is healthy.
func (n *node) up(ctx context.Context) error {
	logFile, err := os.OpenFile(filepath.Join(filepath.Dir(n.dir), n.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	// The process outlives the context of this call on purpose: stop ends it.
	cmd := exec.Command(n.program, "up") //nolint:gosec,noctx // this binary; see above
	cmd.Env = n.env()
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithParent(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		return errors.Join(err, logFile.Close())
	}
	n.process, n.log, n.dead = cmd, logFile, make(chan struct{})
	go func() {
		_ = cmd.Wait() //nolint:errcheck // a killed node ends with an error, as told
		close(n.dead)
	}()
	return n.awaitHealth(ctx)
}

func (n *node) awaitHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.tools+"/healthz", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close() //nolint:errcheck // only the status matters
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-n.dead:
			return fmt.Errorf("%s ended at once; its log is %s", n.name, n.log.Name())
		case <-ctx.Done():
			return fmt.Errorf("%s did not get healthy in 30 s; its log is %s", n.name, n.log.Name())
		case <-tick.C:
		}
	}
}

// kill ends the process the hard way, as a power cut would.
func (n *node) kill() { n.signal(syscall.SIGKILL) }

// stop asks the node to end and insists after ten seconds.
func (n *node) stop() {
	n.signal(syscall.SIGTERM)
	if n.process == nil {
		return
	}
	select {
	case <-n.dead:
	case <-time.After(10 * time.Second):
		n.kill()
	}
}

func (n *node) signal(sig syscall.Signal) {
	if n.process == nil {
		return
	}
	_ = n.process.Process.Signal(sig) //nolint:errcheck // it may be dead already, which is what we want
	if sig == syscall.SIGKILL {
		<-n.dead
	}
}

// freePorts asks the kernel for ports nobody uses; they are free again when it
// returns, so a node must take its own soon.
func freePorts(count int) ([]string, error) {
	var out []string
	for range count {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed below
		if err != nil {
			return nil, err
		}
		defer l.Close() //nolint:errcheck // only held to keep the numbers distinct
		out = append(out, l.Addr().String())
	}
	return out, nil
}
