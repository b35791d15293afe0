package lab

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Mode is how a service behaves.
type Mode string

// The modes.
const (
	Well    Mode = "ok"
	Busy    Mode = "503"    // an error status
	Hanging Mode = "hang"   // it takes the request and never answers
	Reset   Mode = "reset"  // it cuts the connection
	Swapped Mode = "swap"   // another certificate than the one its visitors trust
	Ending  Mode = "ending" // a certificate that ends in two days
	Slowly  Mode = "slow"   // it answers after 2 s
	Lying   Mode = "error"  // status 200 with an error page
)

// Service is something a hoster serves: a web page, with a way to break it.
// Safe for concurrent use.
type Service struct {
	Address string // host:port
	Text    string // what stands on the page
	Proof   string // what stands in its proof file; empty = it has none
	// Roots trust its certificate; nil = it speaks plain HTTP.
	Roots *x509.CertPool

	mode     atomic.Value // Mode
	listener net.Listener
	server   *http.Server
	good     tls.Certificate
	other    tls.Certificate
	ending   tls.Certificate
}

// NewService starts one on loopback. With TLS it speaks https with a certificate for
// 127.0.0.1 that only Roots trust. Close ends it.
func NewService(text string, withTLS bool) (*Service, error) {
	return ServiceAt("127.0.0.1:0", text, withTLS)
}

// ServiceAt is NewService at an address, host:port.
func ServiceAt(address, text string, withTLS bool) (*Service, error) {
	var d net.ListenConfig
	l, err := d.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for a service: %w", err)
	}
	s := &Service{Address: l.Addr().String(), Text: text, listener: l}
	s.mode.Store(Well)
	if withTLS {
		if err := s.certify(); err != nil {
			return nil, errors.Join(err, l.Close())
		}
		s.listener = tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.certificate})
	}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go s.server.Serve(s.listener) //nolint:errcheck // it ends with Close
	return s, nil
}

// URL is where it is reached.
func (s *Service) URL() string {
	if s.Roots != nil {
		return "https://" + s.Address + "/"
	}
	return "http://" + s.Address + "/"
}

// Behave changes how it answers from now on.
func (s *Service) Behave(m Mode) { s.mode.Store(m) }

// Close ends it: nobody listens there any more.
func (s *Service) Close() error { return s.server.Close() }

func (s *Service) now() Mode {
	m, _ := s.mode.Load().(Mode)
	return m
}

// ServeHTTP answers as the mode says.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/.well-known/entrechat-watch.txt" && s.Proof != "" {
		fmt.Fprintln(w, s.Proof)
		return
	}
	switch s.now() {
	case Busy:
		http.Error(w, "busy", http.StatusServiceUnavailable)
	case Hanging:
		<-r.Context().Done()
	case Reset:
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			if t, ok := c.(*net.TCPConn); ok {
				_ = t.SetLinger(0)
			}
			_ = c.Close()
		}
	case Slowly:
		select {
		case <-time.After(2 * time.Second):
			fmt.Fprintln(w, s.Text)
		case <-r.Context().Done():
		}
	case Lying:
		fmt.Fprintln(w, "Internal error: the database is gone")
	default:
		fmt.Fprintln(w, s.Text)
	}
}

func (s *Service) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	switch s.now() {
	case Swapped:
		return &s.other, nil
	case Ending:
		return &s.ending, nil
	default:
		return &s.good, nil
	}
}

func (s *Service) certify() (err error) {
	if s.good, err = selfSigned(certLife); err != nil {
		return err
	}
	if s.other, err = selfSigned(certLife); err != nil {
		return err
	}
	if s.ending, err = selfSigned(48 * time.Hour); err != nil {
		return err
	}
	s.Roots = x509.NewCertPool()
	s.Roots.AddCert(s.good.Leaf)
	s.Roots.AddCert(s.ending.Leaf)
	return nil
}

// certLife is how long a certificate lasts, from its beginning.
const certLife = 90 * 24 * time.Hour

// selfSigned makes a certificate that has so long left.
func selfSigned(left time.Duration) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("draw a key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "lab"},
		NotBefore: now.Add(left - certLife - time.Hour), NotAfter: now.Add(left),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}
