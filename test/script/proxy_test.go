package script

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// nginx [-default] FRONT BACK ... starts the real nginx with the file we give to admins: for
// each pair it does TLS on FRONT and passes on to a node's plain listener on BACK.
// Commands after it trust its certificate. With -default it lets through bodies of
// 1 MB, as nginx does when nobody says otherwise.
func nginx(ts *testscript.TestScript, _ bool, args []string) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // where Debian puts it, outside of a user's PATH
	}
	limited := args[0] == "-default"
	if limited {
		args = args[1:]
	}
	dir := ts.MkAbs("nginx")
	ts.Check(os.MkdirAll(dir, 0o755)) // nginx may run its workers as another user
	ts.Check(certificate(dir))
	config := "daemon off;\nmaster_process off;\nerror_log stderr;\npid nginx.pid;\nevents {}\nhttp {\naccess_log access.log;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		config += kind + "_temp_path " + kind + ";\n"
	}
	for i := 0; i < len(args); i += 2 {
		config += site(ts, dir, args[i], args[i+1])
	}
	if limited {
		config = strings.ReplaceAll(config, "client_max_body_size 256m;", "")
	}
	file := filepath.Join(dir, "nginx.conf")
	ts.Check(os.WriteFile(file, []byte(config+"}\n"), 0o600))
	cmd := exec.Command(program, "-p", dir, "-c", file, "-e", "stderr")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		ts.Fatalf("start nginx (apt-get install nginx): %v", err)
	}
	ts.Defer(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	ts.Setenv("SSL_CERT_FILE", filepath.Join(dir, "cert.pem"))
	for range 1200 {
		if c, err := net.Dial("tcp", args[0]); err == nil {
			ts.Check(c.Close())
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	ts.Fatalf("nginx does not listen on %s:\n%s", args[0], said.String())
}

// site is packaging/nginx.conf with the addresses and files of this story.
func site(ts *testscript.TestScript, dir, front, back string) string {
	text, err := os.ReadFile(packaged)
	ts.Check(err)
	out := string(text)
	for _, change := range [][2]string{
		{"listen [::]:443 ssl;", ""},
		{"listen 443 ssl", "listen " + front + " ssl"},
		{"/etc/letsencrypt/live/chaton-a.test/fullchain.pem", filepath.Join(dir, "cert.pem")},
		{"/etc/letsencrypt/live/chaton-a.test/privkey.pem", filepath.Join(dir, "key.pem")},
		{"http://127.0.0.1:7480", "http://" + back},
	} {
		if strings.Count(out, change[0]) != 1 {
			ts.Fatalf("packaging/nginx.conf has %q not once", change[0])
		}
		out = strings.Replace(out, change[0], change[1], 1)
	}
	return out
}

// packaged is the sample for admins, from the folder go test runs in.
const packaged = "../../packaging/nginx.conf"

// certificate writes cert.pem and key.pem for 127.0.0.1.
func certificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	form := x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, &form, &form, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}
