package look

import (
	"context"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"entrechat/internal/room/watch/target"
)

// canned is a connection that answers with fixed bytes, and counts how many were taken.
type canned struct {
	from *strings.Reader
}

func (c *canned) Read(p []byte) (int, error)       { return c.from.Read(p) }
func (*canned) Write(p []byte) (int, error)        { return len(p), nil }
func (*canned) Close() error                       { return nil }
func (*canned) LocalAddr() net.Addr                { return &net.TCPAddr{} }
func (*canned) RemoteAddr() net.Addr               { return &net.TCPAddr{IP: net.IPv4(203, 0, 114, 1), Port: 80} }
func (*canned) SetDeadline(time.Time) error        { return nil }
func (*canned) SetReadDeadline(t time.Time) error  { return nil }
func (*canned) SetWriteDeadline(t time.Time) error { return nil }

// FuzzAnswers has each kind that reads a stranger's bytes read any: it ends in a class, at
// the bound, with a detail that may be shown.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
		"HTTP/1.1 302 Found\r\nLocation: http://wiki.chaton-a.test/\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: ../x?y#z\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n\x81\x05hello",
		"HTTP/1.1 403 Forbidden\r\n\r\n<Error><Code>AccessDenied</Code></Error>",
		"HTTP/1.1 200 OK\r\n\r\n{\"a\":[1,{\"b\":null}]}",
		"220 mail.chaton-a.test ESMTP\r\n",
		"\x16\x03\x01\x00\x05hello",
		"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		var all []*canned
		l := New(Needs{Now: time.Now, Dial: func(context.Context, string, string) (net.Conn, error) {
			c := &canned{strings.NewReader(answer)}
			all = append(all, c)
			return c, nil
		}})
		l.pause = time.Hour // the second attempt would read the same
		for _, k := range []target.Kind{target.HTTP, target.S3, target.WebSocket, target.TCP, target.TLS} {
			address := "pad.chaton-a.test:80"
			if k.Web() {
				address = "http://" + address + "/"
			}
			for _, e := range []target.Expect{{}, {Text: "hello", Absent: "error", Pointer: "/a/1/b", Value: "null"}} {
				all = nil
				r := l.Look(t.Context(), target.Target{Kind: k, Address: address, Expect: e})
				if len(r.Detail) > 200 || !utf8.ValidString(r.Detail) || strings.ContainsAny(r.Detail, "\r\n\x00\x1b") {
					t.Errorf("%s: detail %q", k, r.Detail)
				}
				if r.Class == Unfit {
					t.Errorf("%s: %+v", k, r)
				}
				for _, c := range all {
					if n := c.from.Size() - int64(c.from.Len()); n > MaxRead+overhead {
						t.Errorf("%s: %d bytes were read", k, n)
					}
				}
				if len(all) > maxRedirects+1 {
					t.Errorf("%s: %d connections", k, len(all))
				}
			}
		}
	})
}

// FuzzPointer holds At against what encoding/json makes of a document: an index is found
// where it is, and nothing else is.
func FuzzPointer(f *testing.F) {
	for doc, pointer := range map[string]string{
		`{"a":[1,2,{"b/c":"x"}]}`: "/a/2/b~1c", `[[[]]]`: "/0/0", `{"":1}`: "/", `"x"`: "", `{"~":1,"~1":2}`: "/~01", `[1]`: "/00", `{"a":1e400}`: "/a",
	} {
		f.Add(doc, pointer)
	}
	f.Fuzz(func(t *testing.T, doc, pointer string) {
		w := &Answer{Body: []byte(doc)}
		var v any
		if w.JSON(&v) != nil {
			return
		}
		text, ok := At(v, pointer)
		if !ok {
			return
		}
		if pointer == "" {
			return
		}
		if pointer[0] != '/' || len(text) > 6*len(doc)+8 {
			t.Errorf("%q at %q is %q", doc, pointer, text)
		}
		again, ok := At(v, pointer)
		if !ok || again != text {
			t.Errorf("%q at %q: %q and %q", doc, pointer, text, again)
		}
		if parent := pointer[:strings.LastIndexByte(pointer, '/')]; parent != "" || pointer[0] == '/' {
			if _, ok := At(v, parent); !ok {
				t.Errorf("%q has %q and not %q", doc, pointer, parent)
			}
		}
	})
}

// TestPointers are the examples of RFC 6901 section 5.
func TestPointers(t *testing.T) {
	t.Parallel()
	const doc = `{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"big":12345678901234567890,"yes":true,"no":null}`
	var v any
	must(t, (&Answer{Body: []byte(doc)}).JSON(&v))
	for pointer, want := range map[string]string{
		"/foo": `["bar","baz"]`, "/foo/0": "bar", "/": "0", "/a~1b": "1", "/c%d": "2", "/e^f": "3", "/g|h": "4", `/i\j`: "5", `/k"l`: "6", "/ ": "7", "/m~0n": "8",
		"/big": "12345678901234567890", "/yes": "true", "/no": "null",
	} {
		if got, ok := At(v, pointer); !ok || got != want {
			t.Errorf("%q: %q", pointer, got)
		}
	}
	for _, pointer := range []string{"foo", "/foo/2", "/foo/-", "/foo/00", "/foo/-1", "/foo/bar", "/none", "/foo/0/x", "/yes/x"} {
		if got, ok := At(v, pointer); ok {
			t.Errorf("%q: %q", pointer, got)
		}
	}
	if err := (&Answer{Body: []byte(strings.Repeat("[", 20000))}).JSON(&v); err == nil {
		t.Error("a document without end is read")
	}
	if err := (&Answer{Body: []byte("{} and more")}).JSON(&v); err == nil {
		t.Error("what follows a document is passed over")
	}
	if _, err := json.Marshal(v); err != nil {
		t.Error(err)
	}
}
