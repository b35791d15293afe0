package ability

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/custody/migrations"
)

// knot is a real Knot DNS in charge of chaton-a.test, which takes updates of one key.
type knot struct {
	t      *testing.T
	server string
	secret string
}

func newKnot(t *testing.T) knot {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	secret := base64.StdEncoding.EncodeToString([]byte("a key of chaton-a.test in a test"))
	files := map[string]string{
		"zone": "$ORIGIN chaton-a.test.\n@ 60 SOA ns hostmaster 1 60 60 600 60\n@ 60 NS ns\nns 60 A 127.0.0.1\n",
		"knot.conf": fmt.Sprintf(`server:
    rundir: %[1]s
    listen: 127.0.0.1@%[2]s
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: error
database:
    storage: %[1]s/db
    journal-db-max-size: 10M
    kasp-db-max-size: 10M
    timer-db-max-size: 10M
key:
  - id: admin
    algorithm: hmac-sha256
    secret: %[3]s
acl:
  - id: admin
    key: admin
    action: update
zone:
  - domain: chaton-a.test
    storage: %[1]s
    file: zone
    zonefile-sync: -1
    acl: admin
`, dir, port, secret),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	program := "/usr/sbin/knotd"
	if _, err := os.Stat(program); err != nil {
		if program, err = exec.LookPath("knotd"); err != nil {
			t.Fatal("knotd is missing: apt-get install knot")
		}
	}
	said := &strings.Builder{}
	c := exec.Command(program, "-c", filepath.Join(dir, "knot.conf"))
	c.Stderr = said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	k := knot{t, address, secret}
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		q := new(dns.Msg)
		q.SetQuestion("chaton-a.test.", dns.TypeSOA)
		m, _, err := (&dns.Client{Net: "tcp"}).ExchangeContext(t.Context(), q, address)
		if err == nil && m.Rcode == dns.RcodeSuccess {
			return k
		}
		if time.Now().After(until) {
			_ = c.Process.Kill()
			_ = c.Wait()
			t.Fatalf("knotd does not answer: %v\n%s", err, said)
		}
	}
}

// set sets the texts of the name as somebody with a key of the zone does (RFC 2136).
func (k knot) set(secret string, texts ...string) int {
	k.t.Helper()
	const name = "_entrechat-proof.chaton-a.test."
	m := new(dns.Msg)
	m.SetUpdate("chaton-a.test.")
	m.RemoveRRset([]dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}}})
	for _, text := range texts {
		m.Insert([]dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}, Txt: []string{text}}})
	}
	m.SetTsig("admin.", dns.HmacSHA256, 300, time.Now().Unix())
	a, _, err := (&dns.Client{Net: "tcp", TsigSecret: map[string]string{"admin.": secret}}).ExchangeContext(k.t.Context(), m, k.server)
	if a == nil {
		k.t.Fatal(err)
	}
	return a.Rcode
}

// TestZoneOfARealServer: whoever has a key of the zone proves it at a real Knot; nobody else
// does; after six months the figure is 0 again. Scenario 11 of the founding report.
func TestZoneOfARealServer(t *testing.T) {
	k := newKnot(t)
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	servers := []string{k.server}
	w.Seer = Network{Private: true, Servers: func(context.Context, string) ([]string, error) { return servers, nil }}
	ana := w.person("Ana")
	task, g := w.prove(w.add("*", DNS, "chaton-a.test"), ana)
	w.refused(task.ID, g, "custody.ability.not_seen_dns")
	other := base64.StdEncoding.EncodeToString([]byte("another key, of somebody else..."))
	if code := k.set(other, task.TXT); code == dns.RcodeSuccess {
		t.Error("the zone took another key")
	}
	if code := k.set(k.secret, "v=something", task.TXT+"0"); code != dns.RcodeSuccess {
		t.Fatalf("update: %s", dns.RcodeToString[code])
	}
	w.refused(task.ID, g, "custody.ability.not_seen_dns")
	if code := k.set(k.secret, "v=something", task.TXT); code != dns.RcodeSuccess {
		t.Fatalf("update: %s", dns.RcodeToString[code])
	}
	dead := "127.0.0.1:1"
	servers = []string{dead}
	w.refused(task.ID, g, "custody.ability.dns_silent")
	servers = []string{dead, k.server}
	w.confirmed(task.ID, g)
	if s := w.figure(); s.People.Count != 1 || s.Weakest.Kind != DNS {
		t.Errorf("proved: %+v", s)
	}
	w.now = w.now.Add(Valid)
	if s := w.figure(); s.People.Count != 0 {
		t.Errorf("six months later: %+v", s)
	}
}

// TestServersHaveToAgree: a text that only one of two servers says does not count, and
// servers in charge of another zone say nothing.
func TestServersHaveToAgree(t *testing.T) {
	one, two := newKnot(t), newKnot(t)
	one.set(one.secret, "both", "one")
	two.set(two.secret, "both", "two")
	n := Network{Private: true, Servers: func(context.Context, string) ([]string, error) { return []string{one.server, two.server}, nil }}
	texts, err := n.TXT(t.Context(), "_entrechat-proof.chaton-a.test")
	if err != nil || len(texts) != 1 || texts[0] != "both" {
		t.Errorf("%q, %v", texts, err)
	}
	if _, err := n.TXT(t.Context(), "_entrechat-proof.chaton-b.test"); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("another zone: %v", err)
	}
	n.Private = false
	if _, err := n.TXT(t.Context(), "_entrechat-proof.chaton-a.test"); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("a private address was asked: %v", err)
	}
}
