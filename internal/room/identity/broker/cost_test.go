package broker

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"code.dny.dev/ssrf"
	"github.com/miekg/dns"

	"entrechat/internal/core"
)

// badServers are what a hostile member, or a stranger's domain, may be; each takes a request
// and answers it as it likes.
func badServers() map[string]func(c net.Conn) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	say := func(c net.Conn, text string) bool { _, err := c.Write([]byte(text)); return err == nil }
	again := func(first, rest string, pause time.Duration) func(net.Conn) {
		return func(c net.Conn) {
			for well := say(c, first); well; well = say(c, rest) {
				time.Sleep(pause)
			}
		}
	}
	return map[string]func(net.Conn){
		"says nothing":            func(net.Conn) { time.Sleep(time.Hour) },
		"hangs up":                func(net.Conn) {},
		"a redirect to itself":    func(c net.Conn) { say(c, "HTTP/1.1 307 X\r\nLocation: /oidc/par\r\nContent-Length: 0\r\n\r\n") },
		"a redirect to private":   func(c net.Conn) { say(c, "HTTP/1.1 302 X\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n") },
		"a letter each second":    again(head+"Content-Length: 60000\r\n\r\n", "x", time.Second),
		"a slow first line":       again("H", "T", time.Second),
		"headers without end":     again(head, "X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 0),
		"slow headers":            again(head, "X-A: a\r\n", time.Second),
		"early hints without end": again("", "HTTP/1.1 103 X\r\nLink: x\r\n\r\n", 0),
		"a body without end":      again(head+"\r\n", strings.Repeat("x", 32<<10), 0),
		"chunks without end":      again(head+"Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 0),
		"a bomb":                  func(c net.Conn) { say(c, head+"Content-Encoding: gzip\r\n\r\n"); say(c, bomb()) },
		"no HTTP":                 again("", "\x00\xff\r\n", 0),
		"a body cut short":        func(c net.Conn) { say(c, head+"Content-Length: 100\r\n\r\n{") },
		"HTTP 500":                func(c net.Conn) { say(c, "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n") },
		"429":                     func(c net.Conn) { say(c, "HTTP/1.1 429 X\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n") },
	}
}

// bomb is 100 MiB in a hundred thousand bytes.
func bomb() string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	zeros := make([]byte, 1<<20)
	for range 100 {
		w.Write(zeros) //nolint:errcheck // a buffer takes all
	}
	w.Close()
	return out.String()
}

// against runs a bad server that is reached without a network, and counts what it was asked.
func against(t *testing.T, serve func(net.Conn)) (c caller, asked *atomic.Int64) {
	t.Helper()
	c, asked = newCaller(true, nil), new(atomic.Int64)
	transport, ok := c.Transport.(*http.Transport)
	if !ok {
		t.Fatal("another kind of transport")
	}
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			lines := bufio.NewReader(theirs)
			r, err := http.ReadRequest(lines)
			if err != nil {
				return
			}
			asked.Add(1)
			if r.Body != nil {
				lines.Discard(int(r.ContentLength)) //nolint:errcheck // the other end may be gone
			}
			serve(theirs)
		}()
		return ours, nil
	}
	return c, asked
}

func TestAHostileServerCostsLittle(t *testing.T) {
	for name, serve := range badServers() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, asked := against(t, serve)
				begin := time.Now()
				text, err := c.form(t.Context(), "chaton-e.test", "http://chaton-e.test/oidc/par", url.Values{"request": {"x"}})
				took := time.Since(begin)
				if code := core.CodeOf(err); code != core.CodeUnsure && code != core.CodeDenied || len(text) > 0 {
					t.Errorf("%d bytes, %v", len(text), err)
				}
				if took > 8*time.Second || asked.Load() != 1 {
					t.Errorf("%d requests, %s", asked.Load(), took)
				}
				begin = time.Now()
				issuer := finder{&Broker{n: Needs{Private: true}, fingers: c}}.askFinger(t.Context(), "chaton-e.test", "x@chaton-e.test")
				if took := time.Since(begin); issuer != "" || took > 8*time.Second || asked.Load() != 2 {
					t.Errorf("WebFinger: %q, %d requests, %s", issuer, asked.Load()-1, took)
				}
				c.CloseIdleConnections()
				time.Sleep(2 * time.Hour) // so that every bad server ends
			})
		})
	}
}

// names answers every question of the DNS with one address, over loopback.
func names(t *testing.T, of map[string]string) {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		a := new(dns.Msg)
		a.SetReply(q)
		ip := of[strings.TrimSuffix(q.Question[0].Name, ".")]
		kind := "A"
		if strings.Contains(ip, ":") {
			kind = "AAAA"
		}
		if rr, err := dns.NewRR(fmt.Sprintf("%s 1 IN %s %s", q.Question[0].Name, kind, ip)); err == nil && rr != nil && rr.Header().Rrtype == q.Question[0].Qtype {
			a.Answer = append(a.Answer, rr)
		}
		w.WriteMsg(a) //nolint:errcheck // who asked may be gone
	})}
	go s.ActivateAndServe() //nolint:errcheck // ends with the test
	was := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = was
		s.Shutdown() //nolint:errcheck // it may have ended
	})
}

func TestNoPrivateAddressIsAsked(t *testing.T) {
	var reached atomic.Int64
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			conn.Close()
		}
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	private := []string{
		"127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",
		"::1", "::", "::ffff:127.0.0.1", "fd00::1", "fe80::1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1",
	}
	of := map[string]string{}
	for i, ip := range private {
		of[fmt.Sprintf("n%d.chaton-e.test", i)] = ip
	}
	names(t, of)
	b := New(Needs{URL: "https://chaton-b.test"})
	for name, ip := range of {
		_, err := b.calls.form(t.Context(), "chaton-e.test", "https://"+net.JoinHostPort(name, port)+"/oidc/par", url.Values{})
		if core.CodeOf(err) != core.CodeUnsure || !errors.Is(err, ssrf.ErrProhibitedIP) {
			t.Errorf("by name %s: %v", ip, err)
		}
		_, err = b.calls.form(t.Context(), "chaton-e.test", "https://"+net.JoinHostPort(ip, port)+"/oidc/par", url.Values{})
		if core.CodeOf(err) != core.CodeUnsure || !errors.Is(err, ssrf.ErrProhibitedIP) {
			t.Errorf("by address %s: %v", ip, err)
		}
		for _, at := range []string{name, name + ":" + port, ip} {
			if issuer := (finder{b}).askFinger(t.Context(), at, "x@"+at); issuer != "" {
				t.Errorf("WebFinger at %s: %q", at, issuer)
			}
		}
	}
	if reached.Load() != 0 {
		t.Errorf("%d connections to this machine", reached.Load())
	}
}
