package xmpp

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mellium.im/sasl"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"

	"entrechat/internal/room/succession/recipe"
)

const domain = "chaton-a.test"

// server is a Prosody of the test: the new one, or the old one.
type server struct {
	dir, address, certificate string
	start, stop               []string
}

// folder is a new folder that other users may enter; Prosody's migrator becomes one.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "xmpp") //nolint:usetesting // t.TempDir lies below a folder that only we may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	own(t, dir)
	return dir
}

// as are the words that make a program run as Prosody does; none where we are not root.
func as() string {
	if os.Getuid() != 0 {
		return ""
	}
	return "setpriv --reuid=prosody --regid=prosody --clear-groups "
}

func own(t *testing.T, dir string) {
	t.Helper()
	if os.Getuid() == 0 {
		run(t, "chown", "-R", "prosody:", dir)
	}
}

func write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

func port(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// certify writes a certificate for the domain, that is its own authority.
func certify(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{domain}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), 0o644)
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})), 0o644)
	return cert, key
}

const prosodyConfig = `pidfile = "%[1]s/pid"
data_path = "%[1]s/data"
interfaces = { "127.0.0.1" }
c2s_ports = { %[2]d }
http_ports = {}
https_ports = {}
modules_enabled = { "roster", "saslauth", "tls", "disco", "private", "vcard", "pep", "mam", "offline" }
modules_disabled = { "s2s" }
authentication = "internal_hashed"
c2s_require_encryption = true
archive_expires_after = "never"
log = { info = "%[1]s/log" }
VirtualHost "chaton-a.test"
ssl = { certificate = "%[3]s", key = "%[4]s" }
`

// prosody makes a Prosody that is off; start and stop are commands, and done twice they are done once.
func prosody(t *testing.T) server {
	t.Helper()
	dir := folder(t)
	cert, key := certify(t, dir)
	s := server{dir: dir, certificate: cert}
	at := port(t)
	s.address = fmt.Sprint("127.0.0.1:", at)
	config := filepath.Join(dir, "prosody.cfg.lua")
	write(t, config, fmt.Sprintf(prosodyConfig, dir, at, cert, key), 0o644)
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	control := filepath.Join(dir, "control")
	write(t, control, `#!/bin/sh
pid=$(cat "`+dir+`/pid" 2>/dev/null)
case $1 in
start) (echo >/dev/tcp/127.0.0.1/`+fmt.Sprint(at)+`) 2>/dev/null && exit 0
  setsid `+as()+`prosody --config "`+config+`" -F >/dev/null 2>&1 </dev/null &
  for i in $(seq 100); do (echo >/dev/tcp/127.0.0.1/`+fmt.Sprint(at)+`) 2>/dev/null && exit 0; sleep 0.05; done; exit 1 ;;
stop) test -z "$pid" && exit 0
  kill -9 "$pid" 2>/dev/null; while (echo >/dev/tcp/127.0.0.1/`+fmt.Sprint(at)+`) 2>/dev/null; do sleep 0.02; done; rm -f "`+dir+`/pid" ;;
esac
`, 0o755)
	own(t, dir)
	s.start, s.stop = []string{"bash", control, "start"}, []string{"bash", control, "stop"}
	t.Cleanup(func() { _ = exec.CommandContext(context.WithoutCancel(t.Context()), "bash", control, "stop").Run() })
	return s
}

func (s server) register(t *testing.T, name, password string) {
	t.Helper()
	run(t, "prosodyctl", "--config", filepath.Join(s.dir, "prosody.cfg.lua"), "register", name, domain, password)
}

// client signs in as somebody.
type client struct {
	t *testing.T
	*xmpp.Session
}

func signIn(t *testing.T, address, certificate, name, password string) client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	roots, err := SignIn{Trust: certificate}.roots()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	session, err := xmpp.NewClientSession(ctx, jid.MustParse(name+"@"+domain+"/test"), conn,
		xmpp.StartTLS(&tls.Config{ServerName: domain, RootCAs: roots, MinVersion: tls.VersionTLS12}), xmpp.SASL("", password, sasl.ScramSha1), xmpp.BindResource())
	if err != nil {
		t.Fatal(err)
	}
	go session.Serve(nil) //nolint:errcheck // ends with the connection
	t.Cleanup(func() { _ = conn.Close() })
	return client{t, session}
}

// set sends a request and waits for its answer.
func (c client) set(payload string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	d := xml.NewDecoder(strings.NewReader(`<iq xmlns="jabber:client" type="set" id="` + rand.Text() + `">` + payload + `</iq>`))
	answer, err := c.SendIQ(ctx, d)
	if err != nil {
		c.t.Fatalf("%s: %v", payload, err)
	}
	defer answer.Close()
	start, err := answer.Token()
	if e, ok := start.(xml.StartElement); !ok || err != nil || attribute1(e, "type") != "result" {
		c.t.Fatalf("%s: %v %v", payload, start, err)
	}
}

func attribute1(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (c client) message(to, body string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	if err := c.Send(ctx, xml.NewDecoder(strings.NewReader(`<message xmlns="jabber:client" type="chat" to="`+to+`" id="`+rand.Text()+`"><body>`+body+`</body></message>`))); err != nil {
		c.t.Fatal(err)
	}
}

// fill makes people with everything that an account has.
func (s server) fill(t *testing.T) {
	t.Helper()
	for name, password := range map[string]string{"ana": "un cheval debout", "jo.smith": "b", "ünal": "c"} {
		s.register(t, name, password)
	}
	run(t, s.start...)
	c := signIn(t, s.address, s.certificate, "ana", "un cheval debout")
	c.set(`<query xmlns="jabber:iq:roster"><item jid="bob@chaton-b.test" name="Bob &amp; Léa"><group>amis</group><group>pads</group></item></query>`)
	c.set(`<query xmlns="jabber:iq:roster"><item jid="jo.smith@chaton-a.test"/></query>`)
	c.set(`<vCard xmlns="vcard-temp"><FN>Ana &lt;3</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>iVBORw0KGgo=</BINVAL></PHOTO></vCard>`)
	c.set(`<query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks"><conference name="Le salon" jid="salon@chaton-b.test"><nick>ana</nick></conference></storage></query>`)
	c.set(`<pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="http://jabber.org/protocol/nick"><item id="current"><nick xmlns="http://jabber.org/protocol/nick">Ana</nick></item></publish></pubsub>`)
	for i := range 5 {
		c.message("jo.smith@"+domain, fmt.Sprint("bonjour ", i, " 🌻"))
	}
	c.set(`<query xmlns="jabber:iq:roster"><item jid="last@chaton-b.test"/></query>`) // the server takes stanzas in their order
	_ = c.Close()
	run(t, s.stop...)
}

// settings are those of a move from this server to another, both on this machine.
func (s server) settings(to server, more string) []byte {
	quoted := func(args []string) string { return `["` + strings.Join(args, `", "`) + `"]` }
	closed := filepath.Join(s.dir, "closed")
	return []byte(`domain = "` + domain + `"
[old]
program = "prosody"
data = "` + s.dir + `/data"
stop = ["touch", "` + closed + `"]
start = ["rm", "-f", "` + closed + `"]
[new]
program = "prosody"
data = "` + to.dir + `/data"
stop = ` + quoted(to.stop) + `
start = ` + quoted(to.start) + `
` + more)
}

// state tells all files of a server's data, and whether it is closed.
func (s server) state(t *testing.T) string {
	t.Helper()
	tree, err := recipe.CountTree(t.Context(), recipe.Local{Called: "here"}, filepath.Join(s.dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat(filepath.Join(s.dir, "closed"))
	return fmt.Sprintf("%d files, %d bytes, %s\nclosed %v", tree.Files, tree.Bytes, tree.Sum, err == nil)
}
