//go:build linux && long

package network

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"entrechat/internal/app/lab"
)

// service is something that is looked at: a process at a place.
type service struct {
	url    string
	owner  *lab.Node
	name   string
	orders io.WriteCloser
	heard  *bufio.Scanner
}

// serves starts a service of an owner at a place and has everybody look at it.
func (w *world) serves(t *testing.T, owner *lab.Node, name string, place, port int, proof string) *service {
	t.Helper()
	words := append(within(place), "/proc/self/exe")
	self, err := os.Executable()
	must(t, err)
	words[len(words)-1] = self
	c := exec.Command(words[0], words[1:]...)
	address := fmt.Sprintf("%s:%d", at(place), port)
	c.Env = append(os.Environ(), serviceEnv+"="+address+"\tBienvenue\t"+proof)
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s := &service{url: "http://" + address + "/", owner: owner, name: name}
	s.orders, err = c.StdinPipe()
	must(t, err)
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	t.Cleanup(func() { _ = s.orders.Close(); _ = c.Wait() })
	s.heard = bufio.NewScanner(out)
	if !s.heard.Scan() {
		t.Fatalf("the service at %s did not start", address)
	}
	_, err = owner.Run(w.ctx, "watch", "add", s.url, "--kind", "http", "--service", name, "--text", "Bienvenue", "--every", every.String())
	must(t, err)
	return s
}

// behave changes how it answers from now on.
func (s *service) behave(t *testing.T, m lab.Mode) {
	t.Helper()
	_, err := fmt.Fprintln(s.orders, m)
	must(t, err)
	if !s.heard.Scan() {
		t.Fatalf("%s ended", s.url)
	}
}
