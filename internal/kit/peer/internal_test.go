package peer

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

const zeroNonce = "AAAAAAAAAAAAAAAAAAAAAA"

func fixedSigner() seal.Signer {
	return seal.NewSigner("chaton-a.test", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
}

// The vector of docs/spec/peer.md: fixed for ever.
func TestVector(t *testing.T) {
	s := fixedSigner()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ec/v1/inbox?hint=a%20b", http.NoBody)
	const params = `("@method" "@path" "@query" "entrechat-to" "content-digest");created=1800000000;nonce="` + zeroNonce +
		`";keyid="chaton-a.test 139e3940e64b5491722088d9a0d74162";alg="ed25519"`
	const base = `"@method": POST` + "\n" +
		`"@path": /ec/v1/inbox` + "\n" +
		`"@query": ?hint=a%20b` + "\n" +
		`"entrechat-to": chaton-b.test` + "\n" +
		`"content-digest": sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:` + "\n" +
		`"@signature-params": ` + params
	const sig = "SyeYgXQXGFPXqNvvJQHd8xCA0gp46G1G4pfPg2z1iI9F6PU66mGsQYKG2j32BAzviEm28lwLKu20QJN5kP+wDg=="
	r.Header.Set("Entrechat-To", "chaton-b.test")
	r.Header.Set("Content-Digest", "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:") // {}
	r.Header.Set("Signature-Input", "ec="+params)
	r.Header.Set("Signature", "ec=:"+sig+":")
	got, err := parseSigned(r)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(got.base(r)); text != base {
		t.Errorf("base:\n%s\nwant:\n%s", text, base)
	}
	now := time.Unix(1_800_000_000, 0)
	if err := got.verify(r, []ed25519.PublicKey{s.Public()}, receiver{"chaton-b.test", now, now}); err != nil {
		t.Errorf("%v; the signature is %x", err, s.Sign([]byte(base)))
	}
}

// Whatever a request says, what we read of it is what was signed: written again it
// is the same text, and no signature is good for two texts.
func FuzzSignatureInput(f *testing.F) {
	f.Add(`ec=("@method" "@path" "@query" "entrechat-to");created=1;nonce="`+zeroNonce+`";keyid="a.test 00000000000000000000000000000000";alg="ed25519"`, "ec=:AA==:", "")
	f.Add(`ec=("@method" "@path" "@query" "entrechat-to" "content-digest");created=1;nonce="`+zeroNonce+`";keyid="a.test 00000000000000000000000000000000";alg="ed25519"`, "ec=:AA==:", "sha-256=:AA==:")
	f.Add(`ec=();created=1`, "ec=::", "")
	f.Fuzz(func(t *testing.T, input, sig, digest string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/echo", http.NoBody)
		r.Header = http.Header{headerInput: {input}, headerSig: {sig}, headerTo: {"b.test"}}
		if digest != "" {
			r.Header.Set(headerDigest, digest)
		}
		s, err := parseSigned(r)
		if err != nil {
			return
		}
		if "ec="+s.params != input || !s.from.Valid() || !strings.HasPrefix(string(s.base(r)), `"`) {
			t.Fatalf("%q read as %+v", input, s)
		}
		if strings.Count(s.params, "\n") > 0 {
			t.Fatalf("%q breaks a line", input)
		}
	})
}

func FuzzFailure(f *testing.F) {
	f.Add(403, `{"code":"full","key":"a.b","args":{"N":1,"T":"x"},"text":"t"}`)
	f.Add(507, "{")
	f.Fuzz(func(t *testing.T, status int, body string) {
		res := &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))}
		var e *core.Error
		if !errors.As(readFailure(res, "a.test"), &e) || e.Args["Member"] != core.MemberID("a.test") || !keyForm.MatchString(e.Key) {
			t.Fatalf("%d %q: %#v", status, body, e)
		}
		if strings.ContainsAny(e.Error(), "\x1b\n\r\u202e") || len(e.Args) > maxArgs+2 {
			t.Fatalf("%q: %v", body, e)
		}
	})
}

func TestReplay(t *testing.T) {
	var g replayGuard
	now := time.Unix(1_800_000_030, 0)
	at := func(i int) (n nonce) {
		binary.LittleEndian.PutUint64(n[:], uint64(i))
		return n
	}
	use := func(from core.MemberID, i int, created time.Duration) core.Code {
		return core.CodeOf(g.use(from, at(i), now.Add(created), now))
	}
	if use("a", 1, 0) != "" || use("a", 1, 0) != core.CodeUnsure || use("b", 1, 0) != "" || use("a", 2, window) != "" {
		t.Error("a nonce is a member's, once")
	}
	// Kept for as long as the request that carries it would be taken.
	begun := now
	for ; now.Before(begun.Add(window)); now = now.Add(time.Second) {
		if g.use("a", at(1), begun, now) == nil {
			t.Fatalf("taken again after %s", now.Sub(begun))
		}
	}
	for ; now.Before(begun.Add(2 * window)); now = now.Add(time.Second) {
		if g.use("a", at(2), begun.Add(window), now) == nil {
			t.Fatalf("of the future, taken again after %s", now.Sub(begun))
		}
	}
	now = now.Add(2 * time.Minute)
	if g.sweep(now); len(g.seen) != 0 {
		t.Errorf("%d members still remembered", len(g.seen))
	}
	// Full: refused, never forgotten.
	for i := range maxNonces {
		if use("a", i, 0) != "" {
			t.Fatal("refused early")
		}
	}
	if use("a", maxNonces, 0) != core.CodeUnsure || use("b", 0, 0) != "" || use("a", 0, 0) != core.CodeUnsure {
		t.Error("one member too many, or another pays for it")
	}
}

func TestWebPort(t *testing.T) {
	for address, ok := range map[string]bool{
		"192.0.2.1:443": true, "192.0.2.1:80": true, "[2001:db8::1]:8443": true, "192.0.2.1:22": false,
		"192.0.2.1:25": false, "192.0.2.1:0": false, "a.test:443": false, "": false,
	} {
		if err := webPort(address); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// The guard is on every dial of a public node, on whatever the name turned out to be.
func TestInsideAddresses(t *testing.T) {
	dial := Needs{}.dialer()
	for _, address := range []string{
		"127.0.0.1:443", "[::1]:443", "10.1.2.3:443", "192.168.0.1:8443", "172.16.0.1:443", "169.254.169.254:80",
		"100.64.0.1:443", "0.0.0.0:443", "[::ffff:127.0.0.1]:443", "[fe80::1]:443", "[fc00::1]:443", "[64:ff9b::7f00:1]:443",
		"[2002:7f00:1::]:443", "224.0.0.1:443", "192.0.2.1:22", "localhost:443",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if c, err := dial(ctx, "tcp", address); err == nil {
			t.Errorf("dialled %s", address)
			_ = c.Close()
		} else if errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s was tried: %v", address, err)
		}
		cancel()
	}
}

func TestErrorBodyAlwaysWrites(t *testing.T) {
	h := NewHandler(Needs{Signer: fixedSigner(), Now: time.Now, Log: slog.New(slog.DiscardHandler)}, []Route{{
		Pattern: "GET /x", Public: true, Handle: func(http.ResponseWriter, *http.Request, core.MemberID) error {
			return core.Invalid("a.b", errors.New("\xff\x00")).With("Float", 1.5).With("Deep", map[string]any{"x": 1e300})
		},
	}})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x", http.NoBody))
	if w.Code != 400 || !strings.Contains(w.Body.String(), `"key":"a.b"`) || !strings.Contains(w.Body.String(), `"text"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A public server that sends a visitor inside is not followed: the guard looks at
// every dial, that of a redirect too. Only the first dial is led to a server of the
// test here; the others meet the guard as it is.
func TestVisitorIsNotSentInside(t *testing.T) {
	inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the inside was asked") }))
	t.Cleanup(inside.Close)
	for _, to := range []string{
		inside.URL, "https://[::1]:" + inside.URL[strings.LastIndexByte(inside.URL, ':')+1:], "https://169.254.169.254/latest/meta-data/",
		"https://10.0.0.1/", "https://192.168.1.1/", "https://[fd00::1]/", "https://0.0.0.0/", "https://[::ffff:127.0.0.1]/",
		"http://public.test/", "https://public.test:25/",
	} {
		public := httptest.NewTLSServer(http.RedirectHandler(to, http.StatusFound))
		c := NewVisitor(Needs{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		transport, ok := c.http.Transport.(*http.Transport)
		if !ok {
			t.Fatal("another transport")
		}
		transport.TLSClientConfig.InsecureSkipVerify = true // the guard is asked here, not the certificate
		guarded := transport.DialContext
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == "public.test:443" {
				return new(net.Dialer).DialContext(ctx, network, public.Listener.Addr().String())
			}
			return guarded(ctx, network, address)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, _, err := c.Fetch(ctx, "https://public.test/", 10)
		if err == nil || ctx.Err() != nil {
			t.Errorf("sent to %s: %v, %v", to, err, ctx.Err())
		}
		cancel()
		public.Close()
	}
}

// A visitor shows what it saw before, and nothing else.
func TestRevisit(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == `"a"` && r.Header.Get("If-Modified-Since") == "Mon, 02 Nov 2026 10:00:00 GMT" {
			w.WriteHeader(http.StatusNotModified)
		}
	}))
	t.Cleanup(s.Close)
	c := NewVisitor(Needs{Private: true, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	for seen, want := range map[Seen]int{{}: 200, {ETag: `"a"`}: 200, {`"a"`, "Mon, 02 Nov 2026 10:00:00 GMT"}: 304} {
		res, err := c.Revisit(t.Context(), s.URL, seen, 10)
		if err != nil {
			t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode != want {
			t.Errorf("%+v answered %d", seen, res.StatusCode)
		}
	}
}

func TestWhoseRequestItIs(t *testing.T) {
	docker := []netip.Prefix{netip.MustParsePrefix("172.17.0.0/16")}
	for _, c := range []struct{ from, forwarded, want string }{
		{"192.0.2.1:5", "", "192.0.2.1/32"},
		{"192.0.2.1:5", "198.51.100.1", "192.0.2.1/32"}, // nobody's proxy
		{"127.0.0.1:5", "", ""},
		{"127.0.0.1:5", "10.0.0.1, 198.51.100.1", "198.51.100.1/32"},
		{"[::1]:5", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"},
		{"172.17.0.1:5", "spoofed, 198.51.100.1, 172.17.0.9", "198.51.100.1/32"},
		{"172.17.0.1:5", "198.51.100.1, unknown", ""},
		{"172.18.0.1:5", "198.51.100.1", ""}, // private, but not named: counted with nobody
		{"[::ffff:192.0.2.1]:5", "", "192.0.2.1/32"},
		{"@", "", ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		if r.RemoteAddr = c.from; c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		got := client(r, docker)
		if text := got.String(); got.IsValid() != (c.want != "") || got.IsValid() && text != c.want {
			t.Errorf("%+v: %s", c, text)
		}
	}
}
