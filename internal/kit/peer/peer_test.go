package peer_test

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

// ring is a keyring of fixed members.
type ring struct {
	keys map[core.MemberID]ed25519.PublicKey
	url  string
}

func (r ring) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	if k, ok := r.keys[id]; ok {
		return []ed25519.PublicKey{k}, nil
	}
	return nil, core.NotFound("logbook.unknown_member", errors.New("unknown"))
}

func (r ring) URL(context.Context, core.MemberID) (string, error) { return r.url, nil }

type pair struct {
	server *httptest.Server
	client *peer.Client
	keys   ring
	now    time.Time
	needs  peer.Needs
}

const self, other = core.MemberID("chaton-a.test"), core.MemberID("chaton-b.test")

func newSigner(t *testing.T, id core.MemberID) seal.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return seal.NewSigner(id, key)
}

// newPair is member a serving and member b calling, over a real socket.
func newPair(t *testing.T, routes ...peer.Route) *pair {
	t.Helper()
	a, b := newSigner(t, self), newSigner(t, other)
	p := &pair{now: time.Unix(1_800_000_000, 0)}
	p.keys = ring{keys: map[core.MemberID]ed25519.PublicKey{other: b.Public()}}
	clock := func() time.Time { return p.now }
	quiet := slog.New(slog.DiscardHandler)
	handler := peer.NewHandler(peer.Needs{Signer: a, Keyring: p.keys, Now: clock, Log: quiet}, routes)
	server := peer.NewServer("", handler)
	p.server = httptest.NewUnstartedServer(handler)
	p.server.Config = server
	p.server.Start()
	t.Cleanup(p.server.Close)
	p.keys.url = p.server.URL
	p.needs = peer.Needs{Signer: b, Keyring: p.keys, Private: true, Now: clock, Log: quiet}
	p.client = peer.NewClient(p.needs)
	return p
}

func echo(limit int64, digest bool) peer.Route {
	return peer.Route{Pattern: "POST /echo", Digest: digest, MaxBody: limit, Handle: func(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return core.Invalid("peer.bad_body", err)
		}
		_, err = fmt.Fprintf(w, "%s said %s", from, data)
		return err
	}}
}

func TestSignedRequestArrives(t *testing.T) {
	p := newPair(t, echo(0, true))
	res, err := p.client.Do(t.Context(), self, peer.Request{Method: "POST", Path: "/echo", Covered: []byte("bonjour")})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); string(text) != "chaton-b.test said bonjour" {
		t.Fatalf("%s", text)
	}
}

// capture is a transport that keeps the last request's headers.
func signedHeaders(t *testing.T, p *pair, to core.MemberID) http.Header {
	t.Helper()
	var got http.Header
	spy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() }))
	defer spy.Close()
	n := p.needs
	keys := p.keys
	keys.url = spy.URL
	n.Keyring = keys
	res, err := peer.NewClient(n).Do(t.Context(), to, peer.Request{Method: "POST", Path: "/echo", Covered: []byte("bonjour")})
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWhatAStrangerCannotDo(t *testing.T) {
	p := newPair(t, echo(1000, true))
	good := signedHeaders(t, p, self)
	send := func(change func(h http.Header), path, body string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = good.Clone()
		if change != nil {
			change(req.Header)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode
	}
	set := func(name, value string) func(http.Header) {
		return func(h http.Header) { h.Set(name, value) }
	}
	for name, c := range map[string]struct {
		change     func(http.Header)
		path, body string
	}{
		"unsigned":     {func(h http.Header) { h.Del("Signature-Input") }, "/echo", "bonjour"},
		"other body":   {nil, "/echo", "bonsoir"},
		"other query":  {nil, "/echo?x=1", "bonjour"},
		"other target": {set("Entrechat-To", "chaton-c.test"), "/echo", "bonjour"},
		"no digest":    {func(h http.Header) { h.Del("Content-Digest") }, "/echo", "bonjour"},
		"garbled":      {set("Signature-Input", strings.Repeat("x", 9000)), "/echo", "bonjour"},
		"weak base64":  {func(h http.Header) { h.Set("Signature", strings.Replace(h.Get("Signature"), "=", "", 1)) }, "/echo", "bonjour"},
		"two inputs":   {func(h http.Header) { h.Add("Signature-Input", h.Get("Signature-Input")) }, "/echo", "bonjour"},
		"two targets":  {func(h http.Header) { h.Add("Entrechat-To", "chaton-c.test") }, "/echo", "bonjour"},
		"two digests":  {func(h http.Header) { h.Add("Content-Digest", h.Get("Content-Digest")) }, "/echo", "bonjour"},
		"weak digest":  {set("Content-Digest", "sha-512=:AAAA:"), "/echo", "bonjour"},
		"no signature": {func(h http.Header) { h.Del("Signature") }, "/echo", "bonjour"},
		"foreign member": {func(h http.Header) {
			h.Set("Signature-Input", strings.Replace(h.Get("Signature-Input"), "chaton-b", "chaton-x", 1))
		}, "/echo", "bonjour"},
	} {
		if got := send(c.change, c.path, c.body); got != http.StatusForbidden {
			t.Errorf("%s: status %d, want 403", name, got)
		}
	}
	good = signedHeaders(t, p, self) // "other body" used the first one's nonce up
	if got := send(nil, "/echo", "bonjour"); got != http.StatusOK {
		t.Fatalf("the untouched request: %d", got)
	}
	if got := send(nil, "/echo", "bonjour"); got != http.StatusServiceUnavailable {
		t.Errorf("replayed: %d", got)
	}
	p.now = p.now.Add(11 * time.Minute)
	if got := send(nil, "/echo", "bonjour"); got != http.StatusForbidden {
		t.Errorf("too old: %d", got)
	}
	for path, want := range map[string]int{
		"/nowhere": 404, "/echo/": 404, "/x/../echo": 400, "/x/%2e%2e/echo": 400, "/x%2f..%2fecho": 400, "//echo": 400,
		"/echo%00": 400, "/echo%0a": 400, "/..%5cecho": 400,
	} {
		if got := send(nil, path, "bonjour"); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

func TestOversizeIsRefusedBeforeItIsRead(t *testing.T) {
	p := newPair(t, echo(1000, true))
	_, err := p.client.Do(t.Context(), self, peer.Request{Method: "POST", Path: "/echo", Covered: make([]byte, 1001)})
	if core.CodeOf(err) != core.CodeInvalid {
		t.Fatal(err)
	}
	endless := io.MultiReader(strings.NewReader("x"), neverEnds{})
	_, err = p.client.Do(t.Context(), self, peer.Request{Method: "POST", Path: "/echo", Body: endless, Length: -1})
	if err == nil {
		t.Fatal("an endless body was taken")
	}
}

type neverEnds struct{}

func (neverEnds) Read(p []byte) (int, error) { return len(p), nil }

func dial(ctx context.Context, t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestTenMegabyteHeaderIsRefused(t *testing.T) {
	p := newPair(t, echo(1000, false))
	conn := dial(t.Context(), t, p.server.Listener.Addr().String())
	defer conn.Close()
	go func() {
		_, _ = io.WriteString(conn, "POST /echo HTTP/1.1\r\nHost: a\r\nX-Big: ")
		_, _ = conn.Write(make([]byte, 10<<20))
	}()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil {
		defer res.Body.Close()
		if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge && res.StatusCode != http.StatusBadRequest {
			t.Fatalf("status %d", res.StatusCode)
		}
	}
}

func TestPanicIsAnAnswer(t *testing.T) {
	p := newPair(t, peer.Route{Pattern: "GET /bug", Handle: func(http.ResponseWriter, *http.Request, core.MemberID) error {
		panic("oops")
	}})
	_, err := p.client.Do(t.Context(), self, peer.Request{Method: "GET", Path: "/bug"})
	if core.CodeOf(err) != core.CodeUnsure {
		t.Fatal(err)
	}
}

func TestAnswerPastItsLimitIsAnError(t *testing.T) {
	p := newPair(t, peer.Route{Pattern: "GET /long", Public: true, Handle: func(w http.ResponseWriter, _ *http.Request, _ core.MemberID) error {
		_, err := w.Write(make([]byte, 2000))
		return err
	}})
	if _, _, err := p.client.Fetch(t.Context(), p.server.URL+"/long", 1999); core.CodeOf(err) != core.CodeUnsure {
		t.Fatal(err)
	}
	if data, _, err := p.client.Fetch(t.Context(), p.server.URL+"/long", 2000); err != nil || len(data) != 2000 {
		t.Fatal(len(data), err)
	}
}

func TestPublicNodesNeverCallInside(t *testing.T) {
	p := newPair(t)
	n := p.needs
	n.Private = false
	c := peer.NewClient(n)
	for _, address := range []string{p.server.URL, "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/", "ftp://x/", "https://u:p@x/"} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		if _, _, err := c.Fetch(ctx, address, 10); err == nil {
			t.Errorf("%s was fetched", address)
		}
		cancel()
	}
}
