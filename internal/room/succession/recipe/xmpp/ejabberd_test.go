package xmpp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/room/succession/recipe"
)

const ejabberdConfig = `hosts: ["chaton-a.test"]
loglevel: warning
certfiles: []
auth_method: internal
auth_password_format: scram
listen:
  - port: %[1]d
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers:
      /api: mod_http_api
api_permissions:
  "all":
    from: [mod_http_api]
    who: all
    what: "*"
modules:
  mod_admin_extra: {}
  mod_caps: {}
  mod_offline: {}
  mod_private: {}
  mod_pubsub:
    plugins: ["flat", "pep"]
  mod_roster: {}
  mod_vcard: {}
`

// ejabberd runs a real ejabberd until the test ends: how it is spoken to, and where.
func ejabberd(t *testing.T) (control []string, api func(command, args string)) {
	t.Helper()
	dir := folder(t)
	at := port(t)
	config := filepath.Join(dir, "ejabberd.yml")
	write(t, config, fmt.Sprintf(ejabberdConfig, at), 0o644)
	write(t, filepath.Join(dir, "inetrc"), "", 0o644)
	for _, name := range []string{"log", "spool", "export"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if os.Getuid() == 0 {
		run(t, "chown", "-R", "ejabberd:", dir)
	}
	control = []string{
		"ejabberdctl", "--config-dir", dir, "--config", config, "--logs", filepath.Join(dir, "log"), "--spool", filepath.Join(dir, "spool"),
		"--node", fmt.Sprintf("ec%d@localhost", at),
	}
	var said bytes.Buffer
	c := exec.CommandContext(context.WithoutCancel(t.Context()), control[0], append(control[1:], "foreground")...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatalf("ejabberd is missing, ./check needs installs it: %v", err)
	}
	t.Cleanup(func() {
		_ = exec.CommandContext(context.WithoutCancel(t.Context()), control[0], append(control[1:], "stop")...).Run()
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		_ = c.Wait()
		_ = exec.CommandContext(context.WithoutCancel(t.Context()), "epmd", "-kill").Run() // refuses while others use it
		if t.Failed() {
			t.Log(said.String())
		}
	})
	api = func(command, args string) {
		t.Helper()
		if err := ask(t.Context(), at, command, args); err != nil {
			t.Fatalf("%s %s: %v", command, args, err)
		}
	}
	for range 600 {
		if ask(t.Context(), at, "status", "{}") == nil {
			return control, api
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("ejabberd did not start: %s", said.String())
	return nil, nil
}

func ask(ctx context.Context, at int, command, args string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/api/%s", at, command), strings.NewReader(args))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", answer.StatusCode, text)
	}
	return err
}

// TestEjabberd: accounts of a real ejabberd sign in at a real Prosody with the passwords they had,
// though ejabberd writes what SCRAM keeps in base64 twice.
func TestEjabberd(t *testing.T) {
	t.Parallel()
	control, api := ejabberd(t)
	api("register", `{"user":"ana","host":"chaton-a.test","password":"un cheval debout"}`)
	api("register", `{"user":"zoe","host":"chaton-a.test","password":"z"}`)
	api("add_rosteritem", `{"localuser":"ana","localhost":"chaton-a.test","user":"bob","host":"chaton-b.test","nick":"Bob & Léa","group":"amis","subs":"both"}`)
	api("set_vcard", `{"user":"ana","host":"chaton-a.test","name":"FN","content":"Ana <3"}`)
	api("private_set", `{"user":"ana","host":"chaton-a.test","element":"<notes xmlns=\"test:notes\">pain</notes>"}`)
	to := prosody(t)
	password := filepath.Join(to.dir, "password")
	write(t, password, "un cheval debout\n", 0o600)
	m := move1(t, []byte(`domain = "`+domain+`"
[old]
program = "ejabberd"
data = "`+filepath.Dir(control[4])+`/export"
control = ["`+strings.Join(control, `", "`)+`"]
stop = ["true"]
start = ["true"]
[new]
program = "prosody"
data = "`+to.dir+`/data"
stop = ["`+strings.Join(to.stop, `", "`)+`"]
start = ["`+strings.Join(to.start, `", "`)+`"]
[sign_in]
server = "`+to.address+`"
account = "ana"
password_file = "`+password+`"
trust = "`+to.certificate+`"
`))
	if err := whole(t, m, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"credentials": 1, "contacts": 1, "cards": 1, "private": 1, "published": 0}
	counts, err := m.Count(t.Context(), "ana")
	if err != nil || len(counts) != len(want) {
		t.Fatalf("%+v %v", counts, err)
	}
	for _, c := range counts {
		if !c.Equal() || c.From != want[c.What] {
			t.Errorf("%+v, want %d on both sides", c, want[c.What])
		}
	}
	signIn(t, to.address, to.certificate, "zoe", "z")
	m.SignIn.Account = "zoe" // with ana's password
	if err := m.signIn(t.Context(), recipe.Work{}); err == nil {
		t.Error("a wrong password signs in")
	}
}
