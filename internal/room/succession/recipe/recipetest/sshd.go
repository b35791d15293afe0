package recipetest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"entrechat/internal/room/succession/recipe"
)

// SSHD is an ssh server on loopback that runs commands as sshd does: each by sh, in a session of its
// own, which outlives the connection. It ends with the test.
type SSHD struct {
	Place recipe.Place // how a recipe's settings name it

	t        testing.TB
	listener net.Listener
	config   *ssh.ServerConfig
	running  sync.WaitGroup

	mu       sync.Mutex
	conns    map[net.Conn]bool
	groups   map[int]bool
	Commands []string // as they came, after the test's last Run
}

// NewSSHD starts one, with a key of its own that the place names.
func NewSSHD(t testing.TB) *SSHD {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, hostKey, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(err)
	key := filepath.Join(dir, "key")
	must(os.WriteFile(key, pem.EncodeToMemory(block), 0o600))
	signer, err := ssh.NewSignerFromKey(hostKey)
	must(err)
	known, err := ssh.NewPublicKey(public)
	must(err)
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(known.Marshal()) {
			return nil, errors.New("another key")
		}
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends with the test
	must(err)
	port := l.Addr().(*net.TCPAddr).Port //nolint:errcheck,forcetypeassert // what was asked for
	hosts := filepath.Join(dir, "known_hosts")
	must(os.WriteFile(hosts, []byte("* "+string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), 0o600))
	s := &SSHD{t: t, listener: l, config: config, conns: map[net.Conn]bool{}, groups: map[int]bool{}, Place: recipe.Place{
		Host: "127.0.0.1", Port: port, Key: key, Options: []string{"UserKnownHostsFile=" + hosts, "IdentitiesOnly=yes", "IdentityAgent=none"},
	}}
	s.running.Go(s.accept)
	t.Cleanup(func() {
		_ = l.Close() // ends accept
		s.Cut()
		s.mu.Lock()
		for group := range s.groups {
			_ = syscall.Kill(-group, syscall.SIGKILL) // it may have ended
		}
		s.mu.Unlock()
		s.running.Wait()
	})
	return s
}

// Cut ends all connections, as a network that breaks; what runs goes on.
func (s *SSHD) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close() // that is what is wanted
	}
}

// Running is how many commands run.
func (s *SSHD) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.groups)
}

// Seen are the commands that came, one a line.
func (s *SSHD) Seen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.Commands, "\n")
}

func (s *SSHD) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = true
		s.mu.Unlock()
		s.running.Go(func() {
			s.serve(c)
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		})
	}
}

func (s *SSHD) serve(c net.Conn) {
	conn, channels, requests, err := ssh.NewServerConn(c, s.config)
	if err != nil {
		_ = c.Close() // a stranger
		return
	}
	go ssh.DiscardRequests(requests)
	for channel := range channels {
		if channel.ChannelType() != "session" {
			_ = channel.Reject(ssh.UnknownChannelType, "") // it is gone
			continue
		}
		ch, asked, err := channel.Accept()
		if err != nil {
			continue
		}
		s.running.Go(func() { s.session(ch, asked) })
	}
	_ = conn.Close() // it ended
}

func (s *SSHD) session(ch ssh.Channel, asked <-chan *ssh.Request) {
	for r := range asked {
		if r.Type != "exec" {
			_ = r.Reply(r.Type == "env", nil) // it is gone
			continue
		}
		var command struct{ Text string }
		if ssh.Unmarshal(r.Payload, &command) != nil {
			continue
		}
		_ = r.Reply(true, nil) // it is gone
		s.running.Go(func() {
			status := make([]byte, 4)
			binary.BigEndian.PutUint32(status, s.exec(ch, command.Text))
			_, _ = ch.SendRequest("exit-status", false, status) // it is gone
			_ = ch.Close()                                      // it is gone
		})
	}
}

// exec runs a command to its end.
func (s *SSHD) exec(ch ssh.Channel, text string) uint32 {
	c := exec.Command("sh", "-c", text) //nolint:noctx,gosec // as sshd does: it outlives the connection
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Stdout, c.Stderr = ch, ch.Stderr()
	in, err := c.StdinPipe()
	if err != nil || c.Start() != nil {
		return 255
	}
	s.mu.Lock()
	s.Commands = append(s.Commands, text)
	s.groups[c.Process.Pid] = true
	s.mu.Unlock()
	go func() {
		_, _ = io.Copy(in, ch) // it may end first
		_ = in.Close()         // it may have ended
	}()
	err = c.Wait()
	s.mu.Lock()
	delete(s.groups, c.Process.Pid)
	s.mu.Unlock()
	if err != nil {
		return uint32(max(c.ProcessState.ExitCode(), 1)) //nolint:gosec // at most 255
	}
	return 0
}
