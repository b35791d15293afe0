//go:build linux

package look

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/room/watch/target"
)

// BenchmarkLookHTTPS is one look at a page over TLS 1.3, with a chain as Let's Encrypt's (a
// leaf on P-256, an intermediate on P-384, an RSA root of 4096 bits). The server is a
// process of its own, so that cpu-us/op is what the looker takes alone: user and system
// time of this process. Once with the verified chains remembered, once without, and once
// as net/http does it with the same checks, a new connection each.
func BenchmarkLookHTTPS(b *testing.B) {
	now := time.Now()
	a := newAuthority(b, 4096, now.Add(-time.Hour), now.Add(1000*time.Hour))
	address := benchServer(b, a.leaf(b, "127.0.0.1", now.Add(-time.Hour), now.Add(90*24*time.Hour)))
	t := target.Target{Kind: target.HTTP, Address: "https://" + address + "/", Expect: target.Expect{Text: "all well"}}
	b.Run("chains-remembered", func(b *testing.B) {
		l := looker(b, func(n *Needs) { n.Roots = a.roots })
		cpu(b, func() Class { return l.Look(b.Context(), t).Class })
	})
	b.Run("chains-forgotten", func(b *testing.B) {
		l := looker(b, func(n *Needs) { n.Roots = a.roots })
		cpu(b, func() Class { clear(l.chains.known); return l.Look(b.Context(), t).Class })
	})
	b.Run("net-http", func(b *testing.B) {
		c := &http.Client{Timeout: Bound, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: a.roots, MinVersion: tls.VersionTLS12}}}
		cpu(b, func() Class { return plainGet(b.Context(), c, t) })
	})
}

// plainGet is what stands in most programs.
func plainGet(ctx context.Context, c *http.Client, t target.Target) Class {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.Address, nil)
	if err != nil {
		return Content
	}
	resp, err := c.Do(req)
	if err != nil {
		return TLS
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxRead))
	if err != nil || !strings.Contains(string(body), t.Expect.Text) {
		return Content
	}
	return Fine
}

// cpu measures this process.
func cpu(b *testing.B, look func() Class) {
	b.ReportAllocs()
	used := func() time.Duration {
		var u syscall.Rusage
		must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	if c := look(); c != Fine {
		b.Fatalf("%q", c)
	}
	before := used()
	b.ResetTimer()
	for range b.N {
		if c := look(); c != Fine {
			b.Fatalf("%q", c)
		}
	}
	b.ReportMetric(float64((used()-before).Microseconds())/float64(b.N), "cpu-us/op")
}

// benchServer starts this test binary once more, as a server.
func benchServer(b *testing.B, cert tls.Certificate) string {
	b.Helper()
	n := &nginxServer{dir: b.TempDir()}
	n.certificate(b, cert)
	c := exec.Command("/proc/self/exe", "-test.run=^TestBenchServer$")
	c.Env = append(os.Environ(), "LOOK_BENCH="+n.dir)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := c.StdoutPipe()
	must(b, err)
	must(b, c.Start())
	b.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	line := make([]byte, 100)
	size, err := out.Read(line)
	must(b, err)
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return strings.TrimSpace(string(line[:size]))
}

// TestBenchServer is the server of BenchmarkLookHTTPS; on its own it does nothing.
func TestBenchServer(t *testing.T) {
	dir := os.Getenv("LOOK_BENCH")
	if dir == "" {
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	_, err = os.Stdout.WriteString(l.Addr().String() + "\n")
	must(t, err)
	page := []byte("<html><body>" + strings.Repeat("x", 2000) + "all well</body></html>")
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) })}
	_ = s.ServeTLS(l, dir+"/chain.pem", dir+"/key.pem")
}
