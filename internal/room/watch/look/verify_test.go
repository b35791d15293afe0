package look

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/target"
)

// authority signs certificates as Let's Encrypt does: an RSA root, an intermediate on
// P-384, leaves on P-256.
type authority struct {
	roots        *x509.CertPool
	intermediate *x509.Certificate
	key          crypto.Signer
	serial       atomic.Int64
}

func newAuthority(t testing.TB, bits int, begins, ends time.Time) *authority {
	t.Helper()
	rootKey, err := rsa.GenerateKey(rand.Reader, bits)
	must(t, err)
	root := sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: begins, NotAfter: ends,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, rootKey.Public(), rootKey)
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	between := sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "intermediate"}, NotBefore: begins, NotAfter: ends,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, root, key.Public(), rootKey)
	a := &authority{roots: x509.NewCertPool(), intermediate: between, key: key}
	a.roots.AddCert(root)
	a.serial.Store(10)
	return a
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sign(t testing.TB, c, parent *x509.Certificate, pub crypto.PublicKey, by crypto.Signer) *x509.Certificate {
	t.Helper()
	if parent == nil {
		parent = c
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, parent, pub, by)
	must(t, err)
	cert, err := x509.ParseCertificate(raw)
	must(t, err)
	return cert
}

// leaf is a certificate for a name or an address.
func (a *authority) leaf(t testing.TB, name string, begins, ends time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial.Add(1)), Subject: pkix.Name{CommonName: name}, NotBefore: begins, NotAfter: ends,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		c.IPAddresses = []net.IP{ip}
	} else {
		c.DNSNames = []string{name}
	}
	cert := sign(t, c, a.intermediate, key.Public(), a.key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw, a.intermediate.Raw}, PrivateKey: key, Leaf: cert}
}

// tlsServer shakes hands with what shown holds, and says nothing.
func tlsServer(t testing.TB, shown *atomic.Pointer[tls.Certificate]) string {
	t.Helper()
	s, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return shown.Load(), nil },
	})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	go func() {
		for {
			c, err := s.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = c.Read(make([]byte, 1))
				c.Close()
			}()
		}
	}()
	return s.Addr().String()
}

// TestCertificates looks at one server whose certificate, clock and key change: what held
// a moment ago is of no use to what does not hold now.
func TestCertificates(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	begun := time.Now()
	a := newAuthority(t, 2048, begun.Add(-day), begun.Add(3650*day))
	good := a.leaf(t, "127.0.0.1", begun.Add(-time.Hour), begun.Add(90*day))
	short := a.leaf(t, "127.0.0.1", begun.Add(-time.Hour), begun.Add(10*time.Minute))
	other := a.leaf(t, "pad.chaton-a.test", begun.Add(-time.Hour), begun.Add(90*day))
	self := newAuthority(t, 2048, begun.Add(-day), begun.Add(day)).leaf(t, "127.0.0.1", begun.Add(-time.Hour), begun.Add(day))
	alone := good
	alone.Certificate = good.Certificate[:1]
	stolen := good // the chain that is known to hold, and another key
	stolen.PrivateKey = other.PrivateKey

	var shown atomic.Pointer[tls.Certificate]
	address := tlsServer(t, &shown)
	now := begun
	l := looker(t, func(n *Needs) { n.Roots, n.Now = a.roots, func() time.Time { return now } })
	look := func(c *tls.Certificate) Result {
		shown.Store(c)
		return l.Look(t.Context(), target.Target{Kind: target.TLS, Address: address})
	}
	for _, step := range []struct {
		name string
		c    *tls.Certificate
		at   time.Duration
		want Class
	}{
		{"it holds", &good, 0, Fine},
		{"it holds again", &good, 0, Fine},
		{"its chain, another key", &stolen, 0, TLS},
		{"another name", &other, 0, Cert},
		{"the first again", &good, 0, Fine},
		{"an authority we do not know", &self, 0, Cert},
		{"without its intermediate", &alone, 0, Cert},
		{"a new one", &short, 0, Fine},
		{"it still holds", &short, 9 * time.Minute, Fine},
		{"it ended meanwhile", &short, 11 * time.Minute, Cert},
		{"the first ended meanwhile", &good, 91 * day, Cert},
		{"a clock that goes back", &good, -2 * time.Hour, Cert},
		{"and is right again", &good, 0, Fine},
	} {
		now = begun.Add(step.at)
		r := look(step.c)
		if r.Class != step.want {
			t.Errorf("%s: %q (%s), not %q", step.name, r.Class, r.Detail, step.want)
		}
		leaf, err := x509.ParseCertificate(step.c.Certificate[0])
		must(t, err)
		if step.want != TLS && r.Ends != core.At(leaf.NotAfter) {
			t.Errorf("%s: ends %s, not %s", step.name, r.Ends.Time(), leaf.NotAfter)
		}
	}
	if a, b := look(&good).Leaf, look(&short).Leaf; a == b || a == [32]byte{} {
		t.Error("a changed certificate is not seen at the next look")
	}
}

// TestRemembered: a chain is verified in full once an hour.
func TestRemembered(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a := newAuthority(t, 2048, now.Add(-time.Hour), now.Add(1000*time.Hour))
	cert := a.leaf(t, "pad.chaton-a.test", now.Add(-time.Hour), now.Add(500*time.Hour))
	chain := []*x509.Certificate{cert.Leaf, a.intermediate}
	c := newChains(a.roots)
	if _, err := c.verify("pad.chaton-a.test", chain, now); err != nil {
		t.Fatal(err)
	}
	c.roots = x509.NewCertPool() // from now on nothing holds that is not remembered
	for name, w := range map[string]struct {
		host  string
		chain []*x509.Certificate
		after time.Duration
		holds bool
	}{
		"now":                {"pad.chaton-a.test", chain, 0, true},
		"within the hour":    {"pad.chaton-a.test", chain, remember - time.Second, true},
		"after the hour":     {"pad.chaton-a.test", chain, remember, false},
		"another name":       {"wiki.chaton-a.test", chain, 0, false},
		"another chain":      {"pad.chaton-a.test", chain[:1], 0, false},
		"in another order":   {"pad.chaton-a.test", []*x509.Certificate{chain[1], chain[0]}, 0, false},
		"before it was made": {"pad.chaton-a.test", chain, -2 * time.Hour, false},
	} {
		if _, err := c.verify(w.host, w.chain, now.Add(w.after)); (err == nil) != w.holds {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range maxChains + 10 {
		c.known[[32]byte{byte(i), byte(i >> 8), byte(i >> 16), 1}] = held{}
	}
	c.roots = a.roots
	if _, err := c.verify("pad.chaton-a.test", chain, now.Add(2*remember)); err != nil || len(c.known) > maxChains {
		t.Errorf("%d chains are remembered, %v", len(c.known), err)
	}
}

// TestInsecure: any certificate will do for a local target of our own, and for nobody
// else's.
func TestInsecure(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, 2048, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	cert := a.leaf(t, "127.0.0.1", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	var shown atomic.Pointer[tls.Certificate]
	shown.Store(&cert)
	address := tlsServer(t, &shown)
	l := looker(t, func(n *Needs) { n.Self = "chaton-a.test" })
	for name, c := range map[string]struct {
		t    target.Target
		want Class
	}{
		"ours, local":       {target.Target{Owner: "chaton-a.test", Local: true, Expect: target.Expect{Insecure: true}}, Fine},
		"ours, not local":   {target.Target{Owner: "chaton-a.test", Expect: target.Expect{Insecure: true}}, Cert},
		"another's":         {target.Target{Owner: "chaton-b.test", Local: true, Expect: target.Expect{Insecure: true}}, Cert},
		"ours, as it is":    {target.Target{Owner: "chaton-a.test", Local: true}, Cert},
		"nobody's, as such": {target.Target{Local: true, Expect: target.Expect{Insecure: true}}, Cert},
	} {
		c.t.Kind, c.t.Address = target.TLS, address
		if r := l.Look(t.Context(), c.t); r.Class != c.want || r.Leaf == [32]byte{} {
			t.Errorf("%s: %q (%s)", name, r.Class, r.Detail)
		}
	}
}
