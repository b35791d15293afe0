package oidc

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/app/lab"
	ours "entrechat/internal/room/identity/client"
)

// The servers here are Debian's, configured with what `identity app add` prints.

// daemon runs a server of another project until the test ends, and waits until it listens.
func daemon(t *testing.T, address, logFile, program string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path = "/usr/sbin/" + program
	}
	c := exec.CommandContext(context.WithoutCancel(t.Context()), path, args...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var said strings.Builder
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatalf("%s is missing, ./check needs installs it: %v", program, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() {
		syscall.Kill(-c.Process.Pid, syscall.SIGKILL) //nolint:errcheck // it may have ended
		<-ended                                       //nolint:errcheck // it was killed
		if t.Failed() {
			text, _ := os.ReadFile(logFile)
			t.Logf("%s\n%s", &said, text)
		}
	})
	for until := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address); err == nil {
			conn.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v\n%s", program, err, &said)
		default:
		}
		if time.Now().After(until) {
			t.Fatalf("%s does not listen at %s", program, address)
		}
	}
}

// service adds a service by its template and gives it with the configuration that is printed.
func (h *hoster) service(template, address string, reads ...string) (c ours.Client, printed string) {
	h.t.Helper()
	found, err := ours.FindTemplate(template)
	h.must(err)
	c, err = found.Client("", address)
	h.must(err)
	c.Reads = reads
	c, secret, err := h.clients.Add(h.t.Context(), c)
	h.must(err)
	printed, err = h.clients.Configuration(c, secret)
	h.must(err)
	return c, printed
}

func port(t *testing.T) string {
	t.Helper()
	ports, err := lab.ReservePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ports.Close() })
	return ports.Addresses[0]
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// open gives a folder that the server's own user may enter.
func open(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// visit opens an address of a service and signs in on the way, as a person does.
func (b *browser) visit(address string) answer {
	for range maxSteps {
		r := b.p.request(http.MethodGet, address, nil)
		r.Header.Set("Accept", "text/html")
		a := b.send(r)
		if a.to == nil {
			return a
		}
		if address = a.to.String(); b.ours(a.to) {
			end := b.walk(address)
			if end.at == nil {
				return end.last.answer
			}
			address = end.at.String()
		}
	}
	b.p.fatalf("the way never ends")
	return answer{}
}

// at is a probe of a test that may fail at once.
func (h *hoster) probe(run func(p *probe)) {
	h.t.Helper()
	b := &battery{target: h.at}
	b.meta = (&probe{target: h.at, ctx: h.t.Context()}).discovery()
	for _, wrong := range b.run(h.t.Context(), check{"", "", run}).Wrong {
		h.t.Error(wrong)
	}
}

const apache = `ServerName 127.0.0.1
ServerRoot "%[1]s"
DefaultRuntimeDir "%[1]s"
PidFile "%[1]s/pid"
Mutex file:%[1]s default
ErrorLog "%[1]s/log"
Listen %[2]s
%[3]s
LoadModule mpm_event_module %[4]s/mod_mpm_event.so
LoadModule authn_core_module %[4]s/mod_authn_core.so
LoadModule authz_core_module %[4]s/mod_authz_core.so
LoadModule authz_user_module %[4]s/mod_authz_user.so
LoadModule dir_module %[4]s/mod_dir.so
LoadModule headers_module %[4]s/mod_headers.so
LoadModule auth_openidc_module %[4]s/mod_auth_openidc.so
DocumentRoot "%[1]s/www"
Header set X-User "expr=%%{REMOTE_USER}"
`

func TestApache(t *testing.T) {
	h := newHoster(t)
	dir, listen := open(t), port(t)
	user := ""
	if os.Getuid() == 0 {
		user = "User nobody\nGroup nogroup"
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "www", "index.html"), "inside")
	_, printed := h.service("mod_auth_openidc", "http://"+listen)
	conf := write(t, filepath.Join(dir, "conf"), fmt.Sprintf(apache, dir, listen, user, "/usr/lib/apache2/modules")+printed)
	daemon(t, listen, filepath.Join(dir, "log"), "apache2", "-f", conf, "-DFOREGROUND")
	h.probe(func(p *probe) {
		b := p.browser()
		a := b.visit("http://" + listen + "/")
		p.want(a.status == http.StatusOK && a.body == "inside" && a.header.Get("X-User") == "alice", "%d %q %s", a.status, a.header.Get("X-User"), a.body)
		p.want(b.asked == 1, "%d passwords", b.asked)
		bob := p.browser()
		bob.who = p.People[1]
		p.want(bob.visit("http://"+listen+"/").header.Get("X-User") == "bob", "bob is not bob")
		// A sign-out here is one there.
		b.finish(page{b.get(p.Issuer + "/sign-out"), mustURL(p, p.Issuer+"/sign-out")})
		if err := h.provider.DeliverLogouts(p.ctx); err != nil {
			p.fatalf("%v", err)
		}
		r := p.request(http.MethodGet, "http://"+listen+"/", nil)
		r.Header.Set("Accept", "text/html")
		a = b.send(r)
		p.want(a.to != nil && b.ours(a.to), "still in after signing out: %d %s", a.status, a.body)
		p.want(bob.visit("http://"+listen+"/").header.Get("X-User") == "bob", "another person was signed out")
	})
}

const dovecot = `base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:%[1]s/mail/%%u
service imap-login {
  inet_listener imap {
    port = %[2]s
  }
  inet_listener imaps {
    port = 0
  }
}
userdb {
  driver = static
  args = uid=%[3]d gid=%[4]d home=%[1]s/mail/%%u
}
%[5]s
`

func TestDovecot(t *testing.T) {
	h := newHoster(t)
	dir, listen := open(t), port(t)
	_, number, err := net.SplitHostPort(listen)
	if err != nil {
		t.Fatal(err)
	}
	_, printed := h.service("dovecot", "http://"+listen, h.at.B.ID)
	main, oauth, _ := strings.Cut(printed, "# dovecot-oauth2.conf.ext")
	_, oauth, _ = strings.Cut(oauth, "\n")
	write(t, filepath.Join(dir, "oauth"), oauth)
	main = strings.ReplaceAll(main, "/etc/dovecot/dovecot-oauth2.conf.ext", filepath.Join(dir, "oauth"))
	uid, gid, more := 65534, 65534, ""
	if os.Getuid() != 0 {
		uid, gid = os.Getuid(), os.Getgid()
		more = fmt.Sprintf("default_internal_user = #%[1]d\ndefault_login_user = #%[1]d\ndefault_internal_group = #%[2]d\nservice anvil {\n  chroot =\n}\nservice imap-login {\n  chroot =\n}\nservice stats {\n  chroot =\n}\n", uid, gid)
	}
	conf := write(t, filepath.Join(dir, "conf"), fmt.Sprintf(dovecot, dir, number, uid, gid, more)+main)
	if err := os.MkdirAll(filepath.Join(dir, "mail"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "mail"), 0o777); err != nil {
		t.Fatal(err)
	}
	daemon(t, listen, filepath.Join(dir, "log"), "dovecot", "-F", "-c", conf)
	h.probe(func(p *probe) {
		token := p.enter(p.browser(), p.B).Access
		p.want(imap(p, listen, "alice", token) == "OK OK", "alice, with her token: %s", imap(p, listen, "alice", token))
		p.want(strings.HasPrefix(imap(p, listen, "bob", token), "NO"), "bob, with alice's token")
		p.want(strings.HasPrefix(imap(p, listen, "alice", "nonsense"), "NO"), "alice, with none")
		stranger := p.enter(p.browser(), p.A).Access
		p.want(strings.HasPrefix(imap(p, listen, "alice", stranger), "NO"), "with the token of a service that is not the mail's")
		p.call("revocation_endpoint", p.B, form("token", token))
		p.want(strings.HasPrefix(imap(p, listen, "alice", token), "NO"), "with a token that was taken back")
	})
}

// imap signs in by an access token and opens the inbox: what both were answered.
func imap(p *probe, address, user, token string) string {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(p.ctx, "tcp", address)
	if err != nil {
		p.fatalf("%v", err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute)) //nolint:errcheck // of a connection that is open
	lines := bufio.NewScanner(conn)
	say := func(tag, line string) string {
		fmt.Fprintf(conn, "%s %s\r\n", tag, line)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "+ ") {
				fmt.Fprint(conn, "\r\n") // what is wrong was told; it wants to be heard
			}
			if rest, ok := strings.CutPrefix(lines.Text(), tag+" "); ok {
				word, _, _ := strings.Cut(rest, " ")
				return word
			}
		}
		return "nothing"
	}
	got := say("a", "AUTHENTICATE XOAUTH2 "+base64.StdEncoding.EncodeToString([]byte("user="+user+"\x01auth=Bearer "+token+"\x01\x01")))
	if got != "OK" {
		return got
	}
	return got + " " + say("b", "SELECT INBOX")
}
