//go:build linux && long

package network

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"entrechat/internal/app/lab"
)

// The test binary runs three ways: as `go test` starts it, inside a network of its own, and
// as a service that a node looks at.
const (
	programEnv = "NETWORK_PROGRAM" // inside; the entrechat binary
	serviceEnv = "NETWORK_SERVICE" // a service: address, text, proof, with tabs between
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(serviceEnv) != "":
		if err := serve(strings.Split(os.Getenv(serviceEnv), "\t")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case os.Getenv(programEnv) != "":
		os.Exit(m.Run())
	default:
		os.Exit(inside())
	}
}

// inside builds entrechat, then runs this binary again in a network of its own.
func inside() int {
	dir, err := os.MkdirTemp("", "entrechat-network-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary
	program := filepath.Join(dir, "entrechat")
	if out, err := exec.Command("go", "build", "-o", program, "entrechat/cmd/entrechat").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build entrechat: %v\n%s", err, out)
		return 1
	}
	err = apart(program, 0)
	if errors.Is(err, syscall.EPERM) {
		err = apart(program, syscall.CLONE_NEWUSER)
	}
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ExitCode()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "no network namespace can be made here (%v): run this test as root, or allow plain users namespaces "+
			"(sysctl kernel.unprivileged_userns_clone=1; on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0)\n", err)
		return 1
	}
	return 0
}

// apart runs this binary to its end in a network and mounts of its own.
func apart(program string, more uintptr) error {
	// Stories wait far more than they compute: they run side by side on few cores too.
	c := exec.Command("/proc/self/exe", append([]string{"-test.parallel=8"}, os.Args[1:]...)...)
	c.Env = append(os.Environ(), programEnv+"="+program)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | more, Pdeathsig: syscall.SIGKILL}
	if more != 0 {
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return c.Run()
}

// serve is a service until its standard input ends; a line on it is how to behave next.
func serve(words []string) error {
	s, err := lab.ServiceAt(words[0], words[1], false)
	if err != nil {
		return err
	}
	s.Proof = words[2]
	fmt.Println("ready")
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		s.Behave(lab.Mode(orders.Text()))
		fmt.Println("done")
	}
	return s.Close()
}
