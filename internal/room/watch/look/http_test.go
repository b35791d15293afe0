package look

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entrechat/internal/room/watch/target"
)

// raw is a server that reads a request and then does as it likes, until the test ends.
func raw(t *testing.T, then func(ctx context.Context, c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = c.Read(make([]byte, 4096))
				then(t.Context(), c)
			}()
		}
	}()
	return l.Addr().String()
}

// drip writes a byte now and then.
func drip(text string) func(context.Context, net.Conn) {
	return func(ctx context.Context, c net.Conn) {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := range len(text) {
			if _, err := c.Write([]byte{text[i]}); err != nil {
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}
}

func says(text string) func(context.Context, net.Conn) {
	return func(_ context.Context, c net.Conn) { _, _ = c.Write([]byte(text)) }
}

// forever says begin, and then again and again the rest.
func forever(begin, again string) func(context.Context, net.Conn) {
	return func(_ context.Context, c net.Conn) {
		_, err := c.Write([]byte(begin))
		for block := bytes.Repeat([]byte(again), 1+4096/len(again)); err == nil; {
			_, err = c.Write(block)
		}
	}
}

// TestBadServers: each answer costs 64 KiB and a moment, and ends in its class.
func TestBadServers(t *testing.T) {
	t.Parallel()
	ok := "HTTP/1.1 200 OK\r\n"
	for name, c := range map[string]struct {
		then func(context.Context, net.Conn)
		text string
		want Class
	}{
		"a byte now and then":               {drip(ok + "Content-Length: 1000\r\n\r\n" + strings.Repeat("x", 1000)), "", Timeout},
		"a header that does not end":        {forever(ok, "A: b\r\n"), "", Content},
		"a header of ten megabytes":         {says(ok + "A: " + strings.Repeat("x", 10<<20) + "\r\n\r\nhello"), "", Content},
		"a line that does not end":          {forever("", "x"), "", Content},
		"a body that does not end":          {forever(ok+"\r\n", "x"), "x", Fine},
		"chunks that do not end":            {forever(ok+"Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"), "x", Fine},
		"never ready":                       {forever("", "HTTP/1.1 100 Continue\r\n\r\n"), "", Content},
		"early hints, then ready":           {says("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok + "Content-Length: 5\r\n\r\nhello"), "hello", Fine},
		"shorter than it said":              {says(ok + "Content-Length: 100\r\n\r\nhello"), "hello", Reset},
		"longer than it said":               {says(ok + "Content-Length: 5\r\n\r\nhello and more"), "more", Content},
		"a chunk that is cut":               {says(ok + "Transfer-Encoding: chunked\r\n\r\n10\r\nhello"), "", Reset},
		"a chunk of a strange size":         {says(ok + "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello"), "", Content},
		"a negative length":                 {says(ok + "Content-Length: -1\r\n\r\nhello"), "", Content},
		"two lengths":                       {says(ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), "", Content},
		"nothing":                           {says(""), "", Reset},
		"half a status":                     {says("HTTP/1.1 20"), "", Reset},
		"another protocol":                  {says("SSH-2.0-OpenSSH_9.2\r\n"), "", Content},
		"a status of no meaning":            {says("HTTP/1.1 999 What\r\n\r\n"), "", HTTP5xx},
		"a status below all":                {says("HTTP/1.1 000 No\r\n\r\n"), "", Reset},
		"an upgrade that nobody asked for":  {says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello"), "", Content},
		"a redirect to nowhere":             {says("HTTP/1.1 302 Found\r\n\r\n"), "", Content},
		"HTTP/1.0 as it was":                {says("HTTP/1.0 200 OK\r\n\r\nhello"), "hello", Fine},
		"compressed, but empty":             {says(ok + "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"), "", Fine},
		"not compressed as it said":         {says(ok + "Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + strings.Repeat("x", 20)), "", Content},
		"compressed and cut":                {says(ok + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08"), "", Reset},
		"no content":                        {says("HTTP/1.1 204 No Content\r\n\r\n"), "", Fine},
		"a text that stands after 64 KiB":   {says(ok + "\r\n" + strings.Repeat("x", 70<<10) + "here"), "here", Content},
		"a text that stands before 64 KiB":  {says(ok + "\r\n" + strings.Repeat("x", 60<<10) + "here" + strings.Repeat("x", 1<<20)), "here", Fine},
		"control characters in the headers": {says("HTTP/1.1 500 \x1b[31m\x00\r\nServer: \x07\r\n\r\n"), "", Content},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			var read atomic.Int64
			l := looker(t, func(n *Needs) {
				n.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					c, err := (&net.Dialer{}).DialContext(ctx, network, address)
					return counted{c, &read}, err
				}
			})
			l.pause = time.Minute // one attempt tells all
			r := l.Look(ctx, target.Target{Kind: target.HTTP, Address: "http://" + raw(t, c.then) + "/", Expect: target.Expect{Text: c.text}})
			if r.Class != c.want {
				t.Errorf("%q (%s), not %q", r.Class, r.Detail, c.want)
			}
			if read.Load() > 2*MaxRead { // two attempts where one hangs
				t.Errorf("%d bytes were read", read.Load())
			}
			if strings.ContainsAny(r.Detail, "\x1b\x00\x07\r\n") || len(r.Detail) > 200 {
				t.Errorf("detail %q", r.Detail)
			}
		})
	}
}

// counted adds up what is read.
type counted struct {
	net.Conn

	read *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

func TestSameDomain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"a.test", "a.test", true},
		{"pad.chaton.org", "chaton.org", true},
		{"pad.chaton.org", "WIKI.Chaton.org.", true},
		{"pad.chaton.org", "pad.chaton.com", false},
		{"chaton.org", "evilchaton.org", false},
		{"a.co.uk", "b.co.uk", false},
		{"a.github.io", "b.github.io", false},
		{"10.0.0.1", "10.0.0.1", true},
		{"10.0.0.1", "11.0.0.1", false},
		{"localhost", "chaton.org", false},
		{"org", "chaton.org", false},
		{"", "chaton.org", false},
	} {
		if sameDomain(c.a, c.b) != c.same || sameDomain(c.b, c.a) != c.same {
			t.Errorf("%q and %q", c.a, c.b)
		}
	}
}
