package domain

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/succession/migrations"
)

// knot is a real Knot DNS in charge of one zone, which takes updates of one key.
type knot struct {
	t               *testing.T
	address, secret string
	zone            string
}

// newKnot runs it; it signs the zone itself where it is asked to.
func newKnot(t *testing.T, zone, text string, signs bool) knot {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := knot{t, l.Addr().String(), base64.StdEncoding.EncodeToString([]byte("a key of a zone in this one test")), zone}
	_, port, _ := net.SplitHostPort(k.address)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	signing := "off"
	if signs {
		signing = "on"
	}
	for name, text := range map[string]string{
		"zone": text,
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
policy:
  - id: one
    algorithm: ed25519
    single-type-signing: on
zone:
  - domain: %[4]s
    storage: %[1]s
    file: zone
    zonefile-sync: -1
    acl: admin
    dnssec-signing: %[5]s
    dnssec-policy: one
`, dir, port, k.secret, zone, signing),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	k.run(dir)
	return k
}

func (k knot) run(dir string) {
	k.t.Helper()
	program := "/usr/sbin/knotd"
	if _, err := os.Stat(program); err != nil {
		if program, err = exec.LookPath("knotd"); err != nil {
			k.t.Fatal("knotd is missing: apt-get install knot")
		}
	}
	said := &strings.Builder{}
	c := exec.Command(program, "-c", filepath.Join(dir, "knot.conf"))
	c.Stderr = said
	if err := c.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		m, err := k.ask(k.zone, dns.TypeSOA)
		if err == nil && m.Rcode == dns.RcodeSuccess {
			return
		}
		if time.Now().After(until) {
			_ = c.Process.Kill()
			_ = c.Wait()
			k.t.Fatalf("knotd does not answer: %v\n%s", err, said)
		}
	}
}

func (k knot) ask(name string, kind uint16) (*dns.Msg, error) {
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), kind)
	m, _, err := (&dns.Client{Net: "tcp"}).ExchangeContext(k.t.Context(), q, k.address)
	return m, err
}

// put replaces sets of records as somebody with a key of the zone does (RFC 2136); "name. TYPE" alone
// takes a set away, "- RECORD" one record.
func (k knot) put(records ...string) {
	k.t.Helper()
	m := new(dns.Msg)
	m.SetUpdate(dns.Fqdn(k.zone))
	for _, text := range records {
		if name, kind, ok := strings.Cut(text, " "); ok && name != "-" && !strings.Contains(kind, " ") {
			m.RemoveRRset([]dns.RR{&dns.ANY{Hdr: dns.RR_Header{Name: name, Rrtype: dns.StringToType[kind], Class: dns.ClassINET}}})
			continue
		}
		one, less := strings.CutPrefix(text, "- ")
		rr, err := dns.NewRR(one)
		if err != nil {
			k.t.Fatal(err)
		}
		if less {
			m.Remove([]dns.RR{rr})
			continue
		}
		m.Insert([]dns.RR{rr})
	}
	m.SetTsig("admin.", dns.HmacSHA256, 300, time.Now().Unix())
	a, _, err := (&dns.Client{Net: "tcp", TsigSecret: map[string]string{"admin.": k.secret}}).ExchangeContext(k.t.Context(), m, k.address)
	if err != nil || a.Rcode != dns.RcodeSuccess {
		k.t.Fatalf("update %q: %v %v", records, err, a)
	}
}

// ds is the DS of a zone that a Knot signs.
func (k knot) ds(ttl int) string {
	k.t.Helper()
	m, err := k.ask(k.zone, dns.TypeDNSKEY)
	if err != nil {
		k.t.Fatal(err)
	}
	found, _ := pick[*dns.DNSKEY](m.Answer, k.zone)
	if len(found) == 0 {
		k.t.Fatal("the zone is not signed")
	}
	ds := found[0].ToDS(dns.SHA256)
	ds.Hdr.Ttl = uint32(ttl)
	return ds.String()
}

// world is a parent zone, an old server that signs, a next one that does not, and the service.
type world struct {
	*Service

	t                 *testing.T
	parent, old, next knot
	now               time.Time
	told              registryTold
	listed            string // the name server that a resolver tells
}

// registryTold is what a registry tells.
type registryTold struct {
	expires core.Moment
	status  []string
	holder  string
	err     error
}

func (r *registryTold) Registered(context.Context, string) (core.Moment, []string, string, string, error) {
	return r.expires, r.status, "Registrar", r.holder, r.err
}

// NS are those of the test's zones, where the resolver would be asked.
func (w *world) NS(_ context.Context, zone string) ([]string, error) {
	switch zone {
	case "chaton-a.test":
		return []string{w.listed}, nil
	case "test":
		return []string{"ns.test."}, nil
	}
	return nil, nil
}

func (w *world) Address(_ context.Context, host string) (string, error) {
	for name, k := range map[string]knot{"ns.chaton-a.test": w.old, "ns.test": w.parent, "ns.chaton-b.test": w.next} {
		if name == host {
			return k.address, nil
		}
	}
	return "", errors.New("no such host " + host)
}

func zoneText(server string, ttl int) string {
	return fmt.Sprintf(`$ORIGIN chaton-a.test.
@ %[2]d SOA ns hostmaster 1 60 60 600 60
@ %[2]d NS %[1]s
@ %[2]d A 192.0.2.7
@ %[2]d MX 10 mail
@ 300 TXT "v=spf1 " "mx -all"
mail %[2]d A 192.0.2.8
ns 300 A 127.0.0.1
_dmarc 300 TXT "v=DMARC1; p=none"
k1._domainkey 300 CNAME k1.dkim.chaton-b.test.
_25._tcp.mail 300 TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
`, server, ttl)
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, now: time.Now(), listed: "ns.chaton-a.test."}
	w.parent = newKnot(t, "test", "$ORIGIN test.\n@ 300 SOA ns hostmaster 1 60 60 600 60\n@ 300 NS ns\nns 300 A 127.0.0.1\nchaton-a 3600 NS ns.chaton-a\nns.chaton-a 3600 A 127.0.0.1\n", false)
	w.old = newKnot(t, "chaton-a.test", zoneText("ns", 86400), true)
	w.next = newKnot(t, "chaton-a.test", zoneText("ns.chaton-b.test.", 300), false)
	w.told = registryTold{expires: core.At(w.now.Add(400 * day)), status: []string{"client transfer prohibited"}, holder: HolderGroup}
	now := func() time.Time { return w.now }
	w.Service = New(Needs{DB: d, Source: Reader{Names: w, Private: true, Now: now}, Registries: func() (Registries, bool) { return &w.told, true }, Now: now})
	return w
}

// stops looks and compares what stops, without doubles.
func (w *world) stops(want string, next ...string) Report {
	w.t.Helper()
	r, err := w.Check(w.t.Context(), Ask{Name: "Chaton-A.test.", Next: next, Selectors: []string{"k1"}})
	if err != nil {
		w.t.Fatal(err)
	}
	if got := strings.Join(slices.Compact(keys(r.Findings, Stop)), " "); got != want {
		w.t.Errorf("stops %q, not %q: %+v", got, want, r.Facts)
	}
	if err := w.Ready(w.t.Context(), "chaton-a.test"); len(next) == 0 && (err == nil) != (want == "") {
		w.t.Errorf("ready: %v", err)
	}
	return r
}

// TestTTLSeenToBeLowered: a cut is stopped while records live long, and while resolvers may keep the
// long ones; then it is not. At a real Knot.
func TestTTLSeenToBeLowered(t *testing.T) {
	dbtest.Each(t, "succession", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		r := w.stops("ttl_high")
		if n := len(Stops(r.Findings)); n != 3 {
			t.Errorf("%d records live long, not A, MX, and the A of the mail server", n)
		}
		for _, want := range []string{"mx", "spf", "dkim", "dmarc", "tlsa", "no_ds_signed"} {
			if !slices.Contains(keys(r.Findings, Do), want) {
				t.Errorf("%s is not told", want)
			}
		}
		w.now = w.now.Add(time.Hour)
		w.old.put("chaton-a.test. A", "chaton-a.test. 300 A 192.0.2.7", "chaton-a.test. MX", "chaton-a.test. 300 MX 10 mail.chaton-a.test.",
			"mail.chaton-a.test. A", "mail.chaton-a.test. 300 A 192.0.2.8")
		w.stops("ttl_waits")
		w.now = w.now.Add(day - time.Second)
		w.stops("ttl_waits")
		w.now = w.now.Add(time.Second)
		w.stops("")
		w.told.status = []string{"pending transfer"}
		w.stops("transferring")
		w.told.err = core.Unsure("x", errors.New("silent"))
		w.stops("")
	})
}

// TestOrderOfDNSSEC: each wrong order is stopped at real servers: another server in the zone while the
// registry has a DS; name servers changed at the registry, to one without keys; a DS that is gone, and
// still kept. The right order goes. Scenario 17 of the report on succession.
func TestOrderOfDNSSEC(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
	w.old.put("chaton-a.test. A", "chaton-a.test. 300 A 192.0.2.7", "chaton-a.test. MX", "chaton-a.test. 300 MX 10 mail.chaton-a.test.",
		"mail.chaton-a.test. A", "mail.chaton-a.test. 300 A 192.0.2.8")
	ds := w.old.ds(7200)
	w.parent.put(ds)
	if r := w.stops(""); len(r.Facts.Parent.DS) != 1 || r.Facts.Servers[0].Chain != Trusted || !slices.Contains(keys(r.Findings, Do), "ds_stays") {
		t.Fatalf("signed well: %+v", r.Facts)
	}
	// The next servers have no key.
	w.stops("ds_first", "ns.chaton-b.test")
	w.stops("ds_first", w.next.address)
	if r := w.stops("", w.old.address); !slices.Contains(keys(r.Findings, Well), "keys_travel") {
		t.Error("a server with the keys is none")
	}
	// The zone names the next server already.
	w.old.put("chaton-a.test. 300 NS ns.chaton-b.test.")
	w.stops("sets_differ ds_ns_differ")
	w.old.put("- chaton-a.test. 300 NS ns.chaton-b.test.")
	// The registry names it already.
	w.parent.put("chaton-a.test. NS", "chaton-a.test. 3600 NS ns.chaton-b.test.")
	w.stops("sets_differ ds_ns_differ bogus")
	w.parent.put("chaton-a.test. NS", "chaton-a.test. 3600 NS ns.chaton-a.test.")
	w.stops("")
	// A DS of another key.
	w.parent.put("chaton-a.test. DS", "chaton-a.test. 7200 DS 1 15 2 "+strings.Repeat("ab", 32))
	w.stops("bogus")
	w.parent.put("chaton-a.test. DS", ds)
	w.stops("")
	// The right order.
	w.parent.put("chaton-a.test. DS")
	w.stops("ds_waits", "ns.chaton-b.test")
	w.now = w.now.Add(2*time.Hour - time.Second)
	w.stops("ds_waits", "ns.chaton-b.test")
	w.now = w.now.Add(time.Second)
	w.stops("", "ns.chaton-b.test")
	w.next.put("mail.chaton-a.test. A")
	w.stops("next_lacks", "ns.chaton-b.test")
	w.next.put("mail.chaton-a.test. 300 A 192.0.2.9")
	w.parent.put("chaton-a.test. NS", "chaton-a.test. 3600 NS ns.chaton-b.test.")
	w.listed = "ns.chaton-b.test."
	if r := w.stops(""); !slices.Contains(keys(r.Findings, Well), "no_ds") {
		t.Errorf("moved: %+v", r.Findings)
	}
}

// TestWhereNobodyAsks: addresses that a name server names are asked only where they are public; what
// cannot be read is unsure, what is no domain is refused.
func TestWhereNobodyAsks(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
	public := New(Needs{DB: w.n.DB, Source: Reader{Names: w, Now: w.n.Now}, Registries: w.n.Registries, Now: w.n.Now})
	if _, err := public.Check(t.Context(), Ask{Name: "chaton-a.test"}); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("a private address was asked: %v", err)
	}
	if err := w.Ready(t.Context(), "chaton-z.test"); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("no zone: %v", err)
	}
	for _, bad := range []Ask{{Name: "chaton-a"}, {Name: "a b.test"}, {Name: ""}, {Name: "é.test"}, {Name: "a.test", Selectors: []string{"a b"}}, {Name: "a.test", Next: make([]string, 9)}} {
		if _, err := w.Check(t.Context(), bad); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	w.listed = "ns.gone.test."
	w.stops("lame ttl_high")
	// What a page asks for is guarded, what a person at the node types is not.
	for page, typed := range map[bool]bool{true: false, false: true} {
		found := all(t.Context(), Reader{Names: w}, []string{"127.0.0.1:53"}, !page)
		if found[0].typed != typed || (Reader{}.control(found[0]) == nil) != typed {
			t.Errorf("page %v: %+v", page, found[0])
		}
	}
}
