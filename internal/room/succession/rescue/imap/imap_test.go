package imap

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/rescue/snapshot"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// give makes a tree the property of a user; only root can.
func give(t *testing.T, dir string, u *user.User) {
	t.Helper()
	uid, err := strconv.Atoi(u.Uid)
	must(t, err)
	gid, err := strconv.Atoi(u.Gid)
	must(t, err)
	must(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid)
	}))
}

// client speaks IMAP, line by line.
type client struct {
	*testing.T
	conn net.Conn
	in   *bufio.Reader
	n    int
}

func (c *client) do(command string) (answer, lines string) {
	c.Helper()
	c.n++
	tag := fmt.Sprintf("a%d ", c.n)
	_, err := c.conn.Write([]byte(tag + command + "\r\n"))
	must(c.T, err)
	for {
		line, err := c.in.ReadString('\n')
		must(c.T, err)
		if rest, ok := strings.CutPrefix(line, tag); ok {
			return rest, lines
		}
		if strings.HasPrefix(line, "+ ") {
			_, err := c.conn.Write([]byte("x\r\n"))
			must(c.T, err)
		}
		lines += line
	}
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	for range 600 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			must(t, conn.SetDeadline(time.Now().Add(time.Minute)))
			t.Cleanup(func() { _ = conn.Close() })
			c := &client{T: t, conn: conn, in: bufio.NewReader(conn)}
			_, err := c.in.ReadString('\n')
			must(t, err)
			return c
		}
		<-time.After(50 * time.Millisecond) // Dovecot starts
	}
	t.Fatal("Dovecot does not listen")
	return nil
}

func run(t *testing.T, s Settings) {
	t.Helper()
	cmd := exec.Command("/usr/sbin/dovecot", "-F", "-c", s.Conf())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait() // it was ended
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
			t.Logf("%s\n%s", &said, log)
		}
	})
}

// TestReadOnlyMailbox has a real Dovecot show a mailbox of a sealed tree.
func TestReadOnlyMailbox(t *testing.T) {
	dir := t.TempDir()
	for up := dir; up != "/tmp" && up != "/"; up = filepath.Dir(up) {
		must(t, os.Chmod(up, 0o755))
	}
	for _, sub := range []string{"cur", "new", "tmp", ".Sent/cur", ".Sent/new", ".Sent/tmp"} {
		must(t, os.MkdirAll(filepath.Join(dir, "files", "alice", sub), 0o700))
		must(t, os.MkdirAll(filepath.Join(dir, "files", "bob", sub), 0o700))
	}
	for name, text := range map[string]string{"alice/cur/1700000001.a:2,S": "Subject: one\r\n\r\nfirst\r\n", "alice/new/1700000002.b": "Subject: two\r\n\r\nsecond\r\n", "alice/.Sent/cur/1700000003.c:2,S": "Subject: sent\r\n\r\nx\r\n", "alice/dovecot-uidlist": "3 V1700000000 N78 G00000000000000000000000000000000\n42 :1700000001.a\n77 :1700000002.b\n", "bob/cur/1.d:2,": "Subject: bobs\r\n\r\nx\r\n"} {
		must(t, os.WriteFile(filepath.Join(dir, "files", name), []byte(text), 0o600))
	}
	_, err := snapshot.Seal(filepath.Join(dir, "files"))
	must(t, err)
	before, err := snapshot.Hash(filepath.Join(dir, "files"))
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := Settings{Dir: filepath.Join(dir, "imap"), Listen: l.Addr().String()}
	must(t, l.Close())
	if os.Geteuid() == 0 { // Dovecot reads no mail as root
		s.RunAs = "mail"
	}
	hash := func(password string) string {
		sum := sha256.Sum256([]byte(password))
		return hex.EncodeToString(sum[:])
	}
	boxes := []Mailbox{{"alice", filepath.Join(dir, "files", "alice"), hash("PASSWORD")}, {"bob", filepath.Join(dir, "files", "bob"), ""}}
	must(t, s.Write(boxes))
	if s.RunAs != "" {
		u, err := user.Lookup(s.RunAs)
		must(t, err)
		give(t, filepath.Join(dir, "files"), u)
	}
	run(t, s)
	c := dial(t, s.Listen)
	if answer, _ := c.do("LOGIN alice PASSWORD"); !strings.HasPrefix(answer, "OK") {
		t.Fatal(answer)
	}
	if _, lines := c.do(`LIST "" "*"`); !strings.Contains(lines, "INBOX") || !strings.Contains(lines, "Sent") {
		t.Error(lines)
	}
	answer, lines := c.do("SELECT INBOX")
	if !strings.HasPrefix(answer, "OK") || !strings.Contains(answer, "READ-ONLY") || !strings.Contains(lines, "* 2 EXISTS") {
		t.Errorf("%s %s", answer, lines)
	}
	if _, lines := c.do("FETCH 1:2 (UID FLAGS BODY[])"); !strings.Contains(lines, "UID 42") || !strings.Contains(lines, "UID 77") || !strings.Contains(lines, "first") || !strings.Contains(lines, "second") {
		t.Error(lines)
	}
	for _, command := range []string{
		`STORE 1 +FLAGS (\Deleted)`, `STORE 2 +FLAGS (\Seen)`, "EXPUNGE", "APPEND INBOX {1}", "COPY 1 Sent", "MOVE 1 Sent", "CREATE New", "DELETE Sent", "RENAME Sent Other", `SETACL INBOX alice lrswipkxtea`, "UID EXPUNGE 1:*",
	} {
		// STORE and EXPUNGE are answered with OK, and change nothing: see below.
		if answer, lines := c.do(command); strings.HasPrefix(answer, "OK") && (!strings.Contains(command, "STORE") && !strings.Contains(command, "EXPUNGE") || strings.Contains(lines, "FETCH")) {
			t.Errorf("%s: %s", command, answer)
		}
	}
	if _, lines := c.do("FETCH 1:* FLAGS"); strings.Contains(lines, "Deleted") || strings.Count(lines, "FETCH") != 2 {
		t.Error(lines)
	}
	if answer, _ := c.do("SELECT Sent"); !strings.HasPrefix(answer, "OK") {
		t.Error(answer)
	}
	c.do("LOGOUT")
	// A password that is taken back is good no more; Dovecot looks once a second.
	must(t, s.WriteUsers([]Mailbox{{"alice", boxes[0].Dir, hash("OTHER")}}))
	changed := false
	for range 10 {
		if answer, _ := dial(t, s.Listen).do("LOGIN alice OTHER"); strings.HasPrefix(answer, "OK") {
			changed = true
			break
		}
	}
	if answer, _ := dial(t, s.Listen).do("LOGIN alice PASSWORD"); !changed || strings.HasPrefix(answer, "OK") {
		t.Errorf("%v: the old password: %s", changed, answer)
	}
	// Who has no password, or another's, does not come in.
	for user, password := range map[string]string{"bob": "OTHER", "nobody": ""} {
		if answer, _ := dial(t, s.Listen).do("LOGIN " + user + " \"" + password + "\""); strings.HasPrefix(answer, "OK") {
			t.Errorf("%s came in: %s", user, answer)
		}
	}
	if after, err := snapshot.Hash(filepath.Join(dir, "files")); err != nil || after != before {
		t.Errorf("the tree changed: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for _, listen := range []string{"", "192.0.2.1:143", "0.0.0.0:143", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "127.0.0.1:143\nssl = no"} {
		if err := (Settings{Dir: t.TempDir(), Listen: listen, RunAs: "mail"}).Write(nil); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q: %v", listen, err)
		}
	}
	s := Settings{Dir: t.TempDir(), Listen: "127.0.0.1:143", RunAs: "mail"}
	must(t, s.Write([]Mailbox{{"a:b", "/x", "h"}, {"a\nroot", "/x", "h"}, {"%u", "/x", "h"}, {"good@x.test", "/x", "h"}, {"good@x.test", "/y", "h"}, {"b", "/x:INDEX=/etc", "h"}}))
	text, err := os.ReadFile(filepath.Join(s.Dir, usersName))
	must(t, err)
	if strings.Count(string(text), "\n") != 1 || !strings.HasPrefix(string(text), "good@x.test:{SHA256.HEX}h:") {
		t.Errorf("%s", text)
	}
}
