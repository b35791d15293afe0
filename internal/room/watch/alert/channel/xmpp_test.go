package channel

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/watch/alert/contact"
)

// serveXMPP starts a real Prosody with the account node@localhost.
func serveXMPP(t *testing.T) (address, dir string, needs Needs) {
	t.Helper()
	binary, err := exec.LookPath("prosody")
	if err != nil {
		t.Fatal("install prosody: apt-get install prosody")
	}
	dir = t.TempDir()
	cert, pool := certificate(t, "localhost")
	key, err := x509.MarshalECPrivateKey(cert.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	files := map[string]string{
		"cert.pem":                         string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})),
		"key.pem":                          string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key})),
		"data/localhost/accounts/node.dat": "return { [\"password\"] = \"secret\"; };\n",
		"data/localhost/accounts/ana.dat":  "return { [\"password\"] = \"other\"; };\n",
		"prosody.cfg.lua": fmt.Sprintf(`run_as_root = true
daemonize = false
pidfile = %q
data_path = %q
interfaces = { "127.0.0.1" }
c2s_ports = { %d }
modules_enabled = { "roster", "saslauth", "tls", "disco", "ping", "offline" }
modules_disabled = { "s2s" }
authentication = "internal_plain"
c2s_require_encryption = true
log = { { levels = { min = "warn" }, to = "console" } }
VirtualHost "localhost"
ssl = { certificate = %q, key = %q }
`, filepath.Join(dir, "pid"), filepath.Join(dir, "data"), port, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")),
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, "--config", filepath.Join(dir, "prosody.cfg.lua"), "-F")
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	address = fmt.Sprintf("127.0.0.1:%d", port)
	for range 200 {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return address, dir, Needs{XMPP: Account{JID: "node@localhost", Password: "secret", Server: address}, Roots: pool, Hoster: "chaton-a.test"}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("prosody did not start: %s", said.String())
	return "", "", Needs{}
}

func TestXMPP(t *testing.T) {
	_, dir, n := serveXMPP(t)
	to := contact.Channel{ID: "xmpp", Kind: contact.XMPP, Address: "ana@localhost"}
	m := message()
	m.Text = "<script>&</script>"
	if err := New(n).Send(t.Context(), to, m); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(dir, "data/localhost/offline/ana.list"))
	if err != nil || !strings.Contains(string(kept), "En panne : Pad") || !strings.Contains(string(kept), "<script>") {
		t.Errorf("%v %s", err, kept)
	}
	wrong := n
	wrong.XMPP.Password = "guessed"
	if err := New(wrong).Send(t.Context(), to, m); err == nil || Unsure(err) {
		t.Errorf("a wrong password: %v", err)
	}
	wrong = n
	wrong.Roots = nil
	err = New(wrong).Send(t.Context(), to, m)
	if f, ok := errors.AsType[*SendError](err); !ok || f.Unsure {
		t.Errorf("an unknown certificate: %v", err)
	}
}
