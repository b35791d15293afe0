//go:build scale

package scale

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// The farm: so many targets, each on an address of its own.
const (
	farmTargets = 5_000
	farmHosters = 100
	farmEvery   = 10 * time.Second
	farmLatency = 50 * time.Millisecond
	farmText    = "tout va bien"
	farmBanner  = "220 mail.farm.test ESMTP"
)

// farmAddress is where target i stands: no two of them in one /24.
func farmAddress(i int) string { return fmt.Sprintf("127.%d.%d.1", 1+i/250, i%250) }

func farmIndex(a net.Addr) int {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return 0
	}
	ip := tcp.IP.To4()
	return min(max((int(ip[1])-1)*250+int(ip[2]), 0), farmTargets-1)
}

// farmKind says how a target is looked at: 60 % https, 20 % http, 20 % tcp.
func farmKind(i int) string {
	switch i * 7 % 10 {
	case 0, 1:
		return "tcp"
	case 2, 3:
		return "http"
	}
	return "https"
}

// farmHangs says which tenth of the targets hangs when some do: ten of every second
// hoster's fifty.
func farmHangs(i int) bool { return i/10%10 == 3 }

// farmCounts is what the farm saw since it was last reset.
type farmCounts struct {
	Answered   int64 // looks that got what they came for
	Quick      int64 // of these, at targets that never hang
	Hung       int64 // connections that got no answer
	Handshakes int64
	Seen       int   // targets that somebody connected to
	LastFirst  int64 // when the last of them was first connected to, microseconds since 1970
}

type farm struct {
	hangs      atomic.Bool
	answered   [farmTargets]atomic.Int64
	first      [farmTargets]atomic.Int64
	hung       atomic.Int64
	handshakes atomic.Int64
	leaves     sync.Map // by address
	issuer     *x509.Certificate
	key        crypto.Signer
	chain      []byte // the intermediate
}

// farmPlace is what the farm says when it is ready.
type farmPlace struct{ HTTPS, HTTP, TCP, Control, CA string }

// runFarm serves until its standard input ends.
func runFarm(dir string) error {
	f := &farm{}
	ca, err := f.certify(dir)
	if err != nil {
		return err
	}
	place := farmPlace{CA: ca}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil {
			f.handshakes.Add(1)
		}
		time.Sleep(farmLatency)
		if at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			f.answered[farmIndex(at)].Add(1)
		}
		_, _ = io.WriteString(w, "<!doctype html><title>Pad</title><p>"+farmText+"</p>")
	})
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	serve := func(kind string, with func(net.Listener) error) (string, error) {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp4", "0.0.0.0:0")
		if err != nil {
			return "", err
		}
		go func() { _ = with(&farmListener{Listener: l, farm: f, watched: kind != ""}) }()
		_, port, err := net.SplitHostPort(l.Addr().String())
		return port, err
	}
	if place.HTTP, err = serve("http", (&http.Server{Handler: page, ErrorLog: quiet}).Serve); err != nil {
		return err
	}
	secure := &http.Server{Handler: page, ErrorLog: quiet, TLSConfig: &tls.Config{GetCertificate: f.leaf}, TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	if place.HTTPS, err = serve("https", func(l net.Listener) error { return secure.ServeTLS(l, "", "") }); err != nil {
		return err
	}
	if place.TCP, err = serve("tcp", f.banners); err != nil {
		return err
	}
	if place.Control, err = serve("", (&http.Server{Handler: f.control(), ErrorLog: quiet}).Serve); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(place); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

// farmListener notes who is connected to, and keeps connections that are to hang.
type farmListener struct {
	net.Listener
	farm    *farm
	watched bool
}

func (l *farmListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || !l.watched {
			return c, err
		}
		i := farmIndex(c.LocalAddr())
		l.farm.first[i].CompareAndSwap(0, time.Now().UnixMicro())
		if !l.farm.hangs.Load() || !farmHangs(i) {
			return c, nil
		}
		l.farm.hung.Add(1)
		go func() { // says nothing until the other side gives up
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}()
	}
}

func (f *farm) banners(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			time.Sleep(farmLatency)
			if _, err := io.WriteString(c, farmBanner+"\r\n"); err == nil {
				f.answered[farmIndex(c.LocalAddr())].Add(1)
			}
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}()
	}
}

// control answers counts at /counts, and sets them to zero at /reset; /reset?hang has a
// tenth of the targets hang.
func (f *farm) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/counts", func(w http.ResponseWriter, _ *http.Request) {
		c := farmCounts{Hung: f.hung.Load(), Handshakes: f.handshakes.Load()}
		for i := range farmTargets {
			n := f.answered[i].Load()
			c.Answered += n
			if !farmHangs(i) {
				c.Quick += n
			}
			if first := f.first[i].Load(); first != 0 {
				c.Seen++
				c.LastFirst = max(c.LastFirst, first)
			}
		}
		_ = json.NewEncoder(w).Encode(c)
	})
	mux.HandleFunc("/reset", func(_ http.ResponseWriter, r *http.Request) {
		f.hangs.Store(r.URL.Query().Has("hang"))
		for i := range farmTargets {
			f.answered[i].Store(0)
			f.first[i].Store(0)
		}
		f.hung.Store(0)
		f.handshakes.Store(0)
	})
	return mux
}

// certify makes a chain as Let's Encrypt's: an RSA-4096 root, a P-384 intermediate, and
// later P-256 leaves. It says where the root lies.
func (f *farm) certify(dir string) (string, error) {
	root, err := rsa.GenerateKey(rand.Reader, 4096)
	if err != nil {
		return "", err
	}
	between, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return "", err
	}
	authority := func(name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(5, 0, 0),
		}
	}
	top := authority("Farm Root")
	rootDER, err := x509.CreateCertificate(rand.Reader, top, top, root.Public(), root)
	if err != nil {
		return "", err
	}
	if f.chain, err = x509.CreateCertificate(rand.Reader, authority("Farm E1"), top, between.Public(), root); err != nil {
		return "", err
	}
	if f.issuer, err = x509.ParseCertificate(f.chain); err != nil {
		return "", err
	}
	f.key = between
	path := filepath.Join(dir, "farm-ca.pem")
	return path, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}), 0o600)
}

// leaf gives each address a certificate of its own, made when it is first asked for.
func (f *farm) leaf(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	tcp, ok := hello.Conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return nil, errors.New("not TCP")
	}
	if c, ok := f.leaves.Load(tcp.IP.String()); ok {
		if made, ok := c.(*tls.Certificate); ok {
			return made, nil
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: tcp.IP.String()}, IPAddresses: []net.IP{tcp.IP},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 3, 0),
	}, f.issuer, key.Public(), f.key)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{Certificate: [][]byte{der, f.chain}, PrivateKey: key}
	f.leaves.Store(tcp.IP.String(), c)
	return c, nil
}
