package look

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"net"
	"sync"
	"time"

	"entrechat/internal/core"
)

// TLSConfig is the configuration for a handshake with a server of that name. The
// certificate is verified, and noted in the attempt; a result is remembered for an hour at
// most, the handshake's own signature is checked each time. There is no session to resume.
func (a *Attempt) TLSConfig(name string, protocols ...string) *tls.Config {
	a.mu.Lock()
	a.tls = true
	a.mu.Unlock()
	return &tls.Config{
		ServerName: name,
		NextProtos: protocols,
		MinVersion: tls.VersionTLS12,
		// VerifyConnection does what this leaves out, with a cache.
		InsecureSkipVerify: true, //nolint:gosec // see above
		VerifyConnection:   func(s tls.ConnectionState) error { return a.verify(name, s.PeerCertificates) },
	}
}

// Handshake speaks TLS over an open connection with a server of that name.
func (a *Attempt) Handshake(ctx context.Context, c net.Conn, name string, protocols ...string) (*tls.Conn, error) {
	t := tls.Client(c, a.TLSConfig(name, protocols...))
	begun := a.now()
	err := t.HandshakeContext(ctx)
	a.mu.Lock()
	a.r.TLS += a.since(begun)
	a.mu.Unlock()
	if err == nil {
		return t, nil
	}
	if class := classOf(err); class == Content && !isOwn(err) {
		return nil, &ClassError{Class: TLS, Detail: err.Error(), Err: err}
	}
	return nil, err
}

// verify notes a certificate and says whether it holds for a name.
func (a *Attempt) verify(name string, chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return Fail(TLS, "the server showed no certificate")
	}
	h, err := a.l.chains.verify(name, chain, a.now())
	if err != nil {
		h = held{from: chain[0].NotBefore, ends: chain[0].NotAfter}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.r.Leaf == [32]byte{} {
		a.r.Leaf = sha256.Sum256(chain[0].Raw)
	}
	if at := core.At(h.ends); a.r.Ends == 0 || at < a.r.Ends {
		a.r.Ends, a.r.Starts = at, core.At(h.from)
	}
	if err != nil && !a.insecure {
		return &ClassError{Class: Cert, Detail: err.Error(), Err: err}
	}
	return nil
}

const (
	remember  = time.Hour // how long a verified chain is believed
	maxChains = 16 << 10  // of them in memory, at 150 bytes
)

// chains remembers which chains held for which name. Safe for concurrent use.
type chains struct {
	roots *x509.CertPool

	mu    sync.Mutex
	known map[[32]byte]held
}

// held is one chain that held.
type held struct {
	from, until time.Time // it is believed between these
	ends        time.Time // the first of its certificates ends
}

func newChains(roots *x509.CertPool) *chains {
	return &chains{roots: roots, known: map[[32]byte]held{}}
}

// verify says whether a chain holds for a name, since when, and when its first certificate
// ends. Only chains that hold are remembered.
func (c *chains) verify(name string, chain []*x509.Certificate, now time.Time) (held, error) {
	key := keyOf(name, chain)
	c.mu.Lock()
	h, ok := c.known[key]
	c.mu.Unlock()
	if ok && !now.Before(h.from) && now.Before(h.until) {
		return h, nil
	}
	h, err := c.check(name, chain, now)
	if err != nil {
		return held{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxChains {
		clear(c.known)
	}
	c.known[key] = h
	return h, nil
}

// check verifies in full. Of several chains the one that lasts longest counts.
func (c *chains) check(name string, chain []*x509.Certificate, now time.Time) (held, error) {
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	all, err := chain[0].Verify(x509.VerifyOptions{Roots: c.roots, Intermediates: between, DNSName: name, CurrentTime: now})
	if err != nil {
		return held{}, err
	}
	var best held
	for _, one := range all {
		h := held{from: one[0].NotBefore, ends: one[0].NotAfter}
		for _, cert := range one {
			if cert.NotBefore.After(h.from) {
				h.from = cert.NotBefore
			}
			if cert.NotAfter.Before(h.ends) {
				h.ends = cert.NotAfter
			}
		}
		if h.ends.After(best.ends) {
			best = h
		}
	}
	best.until = now.Add(remember)
	if best.ends.Before(best.until) {
		best.until = best.ends
	}
	return best, nil
}

// keyOf is the SHA-256 of a name and a chain, each part with its length before it.
func keyOf(name string, chain []*x509.Certificate) (key [32]byte) {
	h := sha256.New()
	part := func(b []byte) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(b))) //nolint:gosec // a handshake is bounded far below
		h.Write(n[:])
		h.Write(b)
	}
	part([]byte(name))
	for _, cert := range chain {
		part(cert.Raw)
	}
	h.Sum(key[:0])
	return key
}
