package ldap

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/imports"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
)

const entries = `dn: dc=chaton-a,dc=test
objectClass: dcObject
objectClass: organization
dc: chaton-a
o: Chaton A

dn: cn=search,dc=chaton-a,dc=test
objectClass: simpleSecurityObject
objectClass: organizationalRole
cn: search
userPassword: search password

dn: ou=people,dc=chaton-a,dc=test
objectClass: organizationalUnit
ou: people

dn: uid=alice,ou=people,dc=chaton-a,dc=test
objectClass: inetOrgPerson
uid: alice
cn: Alice Martin
sn: Martin
mail: alice@chaton-a.test
userPassword: {SSHA}GbageVv+Tv4LIi/Nd+kk5fchSo1zYWx0

dn: uid=a(l*)ice\5C,ou=people,dc=chaton-a,dc=test
objectClass: inetOrgPerson
uid: a(l*)ice\
cn: Odd
sn: Odd
userPassword: odd password

dn: uid=nopassword,ou=people,dc=chaton-a,dc=test
objectClass: inetOrgPerson
uid: nopassword
cn: N
sn: N

dn: uid=twin,ou=people,dc=chaton-a,dc=test
objectClass: inetOrgPerson
uid: twin
cn: T
sn: T
mail: both@chaton-a.test
userPassword: twin password

dn: cn=Twin,ou=people,dc=chaton-a,dc=test
objectClass: inetOrgPerson
uid: twin
cn: Twin
sn: T
mail: both@chaton-a.test
userPassword: twin password
`

// server is Debian's slapd with a directory of its own.
type slapd struct {
	dir, plain, secure, ca string
	cmd                    *exec.Cmd
	conf                   string
}

func program(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if path := "/usr/sbin/" + name; exists(path) {
		return path
	}
	t.Fatalf("%s is missing: apt-get install slapd", name)
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func newSlapd(t *testing.T) *slapd {
	t.Helper()
	s := &slapd{dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(s.dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.certificate(t)
	s.conf = filepath.Join(s.dir, "slapd.conf")
	text := strings.NewReplacer("DIR", s.dir).Replace(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile DIR/slapd.pid
TLSCertificateFile DIR/cert.pem
TLSCertificateKeyFile DIR/key.pem
database mdb
suffix "dc=chaton-a,dc=test"
directory DIR/data
maxsize 10485760
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=search,dc=chaton-a,dc=test" read by * none
`)
	write(t, s.conf, text)
	write(t, filepath.Join(s.dir, "x.ldif"), entries)
	if out, err := exec.CommandContext(t.Context(), program(t, "slapadd"), "-f", s.conf, "-l", filepath.Join(s.dir, "x.ldif")).CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v\n%s", err, out)
	}
	s.plain, s.secure = free(t), free(t)
	s.start(t)
	return s
}

func (s *slapd) start(t *testing.T) {
	t.Helper()
	var log bytes.Buffer
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), program(t, "slapd"), "-f", s.conf, "-h", "ldap://"+s.plain+" ldaps://"+s.secure, "-d", "0")
	s.cmd.Stdout, s.cmd.Stderr = &log, &log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	for deadline := time.Now().Add(30 * time.Second); ; {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.secure)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("slapd does not answer: %v\n%s", err, log.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (s *slapd) stop() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

func free(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *slapd) certificate(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s.ca = filepath.Join(s.dir, "cert.pem")
	write(t, s.ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})))
	write(t, filepath.Join(s.dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

func (s *slapd) settings(t *testing.T) Settings {
	t.Helper()
	c := DefaultSettings()
	c.URL, c.Base, c.CA = "ldaps://"+s.secure, "ou=people,dc=chaton-a,dc=test", s.ca
	c.BindDN, c.Password = "cn=search,dc=chaton-a,dc=test", filepath.Join(s.dir, "password")
	if !exists(c.Password) {
		write(t, c.Password, "search password\n")
	}
	return c
}

func directory(t *testing.T, c Settings) *Directory {
	t.Helper()
	d, err := NewDirectory(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func key(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return strings.TrimPrefix(e.Key, "identity.ldap.")
	}
	return fmt.Sprint(err)
}

const good = "trois vélos verts"

func TestDirectory(t *testing.T) {
	s := newSlapd(t)
	c := s.settings(t)
	d := directory(t, c)
	ctx := t.Context()
	for _, v := range []struct {
		typed, password string
		ok              bool
	}{
		{"alice", good, true},
		{" ALICE ", good, true},
		{"alice@chaton-a.test", good, true},
		{`a(l*)ice\`, "odd password", true},
		{"alice", "", false},
		{"alice", "wrong", false},
		{"", good, false},
		{"nobody", good, false},
		{"nopassword", good, false},
		{"nopassword", "", false},
		{"*", good, false},
		{"al*", good, false},
		{"alice)(uid=*", good, false},
		{"alice)(|(uid=*", good, false},
		{"*)(uid=*))(|(uid=*", good, false},
		{"alice\x00", good, false},
		{"alice", good + "\x00", false},
		{"\xff", good, false},
		{strings.Repeat("a", 1000), good, false},
		{"alice", strings.Repeat("a", 5000), false},
		{"twin", "twin password", false},
		{"both@chaton-a.test", "twin password", false}, // two entries are none
		{"uid=alice,ou=people,dc=chaton-a,dc=test", good, false},
		{"search", "search password", false}, // not under the base
	} {
		e, ok, err := d.Bind(ctx, v.typed, v.password)
		if ok != v.ok || err != nil {
			t.Errorf("%.40q %.20q: %v, %v", v.typed, v.password, ok, err)
		}
		if ok && (e.ID == "" || e.UID == "") {
			t.Errorf("%+v", e)
		}
	}
	e, _, _ := d.Bind(ctx, "alice", good)
	for password, want := range map[string]bool{good: true, "wrong": false, "": false} {
		if ok, err := d.BindID(ctx, e.ID, password); ok != want || err != nil {
			t.Error(password, ok, err)
		}
	}
	if ok, err := d.BindID(ctx, "*", good); ok || err != nil {
		t.Error(ok, err)
	}
	r, err := d.Test(ctx)
	if err != nil || !r.TLS || r.People != 5 || !r.Lasting || r.Sample == "" {
		t.Errorf("%+v, %v", r, err)
	}

	with := func(change func(*Settings)) *Directory {
		c := s.settings(t)
		change(&c)
		return directory(t, c)
	}
	bind := func(d *Directory) string { _, _, err := d.Bind(ctx, "alice", good); return key(err) }
	if _, ok, err := with(func(c *Settings) { c.URL = "ldap://" + s.plain }).Bind(ctx, "alice", good); !ok || err != nil {
		t.Error("without TLS on this machine:", err)
	}
	if got := bind(with(func(c *Settings) { c.CA = "" })); got != "away" {
		t.Error("a certificate nobody vouches for:", got)
	}
	if got := bind(with(func(c *Settings) { c.Base = "ou=no,dc=chaton-a,dc=test" })); got != "no_base" {
		t.Error(got)
	}
	if got := bind(with(func(c *Settings) { c.ID = "description" })); got != "no_id" {
		t.Error(got)
	}
	other := filepath.Join(s.dir, "other")
	write(t, other, "wrong\n")
	if got := bind(with(func(c *Settings) { c.Password = other })); got != "searcher" {
		t.Error(got)
	}
	write(t, filepath.Join(s.dir, "empty"), "\n")
	if got := bind(with(func(c *Settings) { c.Password = filepath.Join(s.dir, "empty") })); got != "bad_setting" {
		t.Error("who searches has an empty password:", got)
	}
	if got := bind(with(func(c *Settings) { c.CA = other })); got != "no_ca" {
		t.Error(got)
	}
	if got := bind(with(func(c *Settings) { c.BindDN, c.Password = "", "" })); got != "no_base" {
		t.Error("nobody may search there without a name:", got)
	}
	s.stop()
	if got := bind(d); got != "away" {
		t.Error(got)
	}
}

// TLS begins within the connection where the directory is on another machine.
func TestStartTLS(t *testing.T) {
	s := newSlapd(t)
	at := server{url: "ldap://" + s.plain, host: "127.0.0.1", start: true}
	d := directory(t, s.settings(t))
	conn, done, err := d.dial(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if _, ok := conn.TLSConnectionState(); !ok {
		t.Error("no TLS")
	}
	got, err := Settings{URL: "ldap://ldap.chaton-a.test"}.server()
	if err != nil || !got.start {
		t.Error(got, err)
	}
}

func TestPeopleOfADirectory(t *testing.T) {
	s := newSlapd(t)
	database := dbtest.SQLite(t, "identity", migrations.Files)
	now := func() time.Time { return time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC) }
	p := &People{DB: database}
	creds, err := credential.New(credential.Needs{
		DB: database, Box: seal.NewBox([32]byte{1}), URL: "https://chaton-a.test", Cost: credential.Cost{MemoryKiB: 64, Passes: 1, Threads: 1}, Floor: 1, Now: now, Outside: p.Check,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Credentials, p.Imports = creds, &imports.Service{DB: database, Now: now}
	c := s.settings(t)
	c.Verified = true
	p.Directory = directory(t, c)
	people, ctx := &person.Service{DB: database, Now: now}, t.Context()
	// Somebody is here under the same name, and has the address as well.
	was, err := people.Create(ctx, person.New{Handle: "alice", Mail: "alice@chaton-a.test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := p.SignIn(ctx, "alice", "wrong"); ok || err != nil {
		t.Error(ok, err)
	}
	who, ok, err := p.SignIn(ctx, "alice", good)
	if !ok || err != nil || who == was.ID {
		t.Fatal(who, ok, err)
	}
	if one, err := people.Get(ctx, who); err != nil || one.Handle != "alice2" || one.Name != "Alice Martin" || one.Mail != "" {
		t.Error(one, err)
	}
	if again, ok, err := p.SignIn(ctx, "alice", good); again != who || !ok || err != nil {
		t.Error(again, ok, err)
	}
	for password, want := range map[string]bool{good: true, "wrong": false, "": false} {
		if ok, err := creds.CheckPassword(ctx, who, password); ok != want || err != nil {
			t.Error(password, ok, err)
		}
	}
	if ways, err := creds.List(ctx, who); err != nil || !ways.Outside {
		t.Error(ways, err)
	}
	// Who took a password of our own leaves the directory behind.
	if err := creds.SetPassword(ctx, who, "quatre vélos verts"); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := p.SignIn(ctx, "alice", good); ok || got != "" || err != nil {
		t.Error("the directory opens an account that has its own password:", ok, err)
	}
	s.stop()
	if _, _, err := p.SignIn(ctx, "alice", good); core.CodeOf(err) != core.CodeUnsure {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	ok := DefaultSettings()
	ok.URL, ok.Base = "ldaps://ldap.chaton-a.test", "dc=chaton-a,dc=test"
	if err := errors.Join(ok.Check(), DefaultSettings().Check()); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Settings){
		"scheme": func(c *Settings) { c.URL = "http://x.test" }, "no host": func(c *Settings) { c.URL = "ldaps://" }, "path": func(c *Settings) { c.URL = "ldaps://x.test/dc=x" },
		"user": func(c *Settings) { c.URL = "ldaps://a:b@x.test" }, "base": func(c *Settings) { c.Base = "" }, "bad base": func(c *Settings) { c.Base = "hello" },
		"bind dn": func(c *Settings) { c.BindDN = "hello" }, "half": func(c *Settings) { c.BindDN = "cn=x" }, "other half": func(c *Settings) { c.Password = "/x" },
		"filter": func(c *Settings) { c.Filter = "(uid=*" }, "attribute": func(c *Settings) { c.User = "uid)(cn" }, "no attribute": func(c *Settings) { c.ID = "" },
	} {
		c := ok
		change(&c)
		if err := c.Check(); key(err) != "bad_setting" {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := NewDirectory(c); err == nil {
			t.Error(name)
		}
	}
}
