package chat

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/look/looktest"
	"entrechat/internal/room/watch/target"
)

// Synapse 1.118, GET /_matrix/federation/v1/version and GET /.well-known/matrix/server (Matrix
// server-server API v1.16), shortened, with invented names.
const (
	version   = `{"server":{"name":"Synapse","version":"1.118.0"}}`
	wellKnown = `{"m.server":"matrix.chaton-a.test:443"}`
)

// keyAnswer is what a server answers to GET /_matrix/key/v2/server, signed with a key that a
// number gives.
func keyAnswer(domain string, until time.Time, signer byte) string {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = 7
	shown := ed25519.NewKeyFromSeed(seed)
	seed[0] = signer
	key := ed25519.NewKeyFromSeed(seed)
	public := base64.RawStdEncoding.EncodeToString(shown.Public().(ed25519.PublicKey))
	signed := fmt.Sprintf(`{"old_verify_keys":{"ed25519:old":{"expired_ts":1,"key":"é<&>"}},"server_name":"%s","valid_until_ts":%d,"verify_keys":{"ed25519:a_1":{"key":"%s"}}}`,
		domain, until.UnixMilli(), public)
	signature := base64.RawStdEncoding.EncodeToString(ed25519.Sign(key, []byte(signed)))
	// The members come in another order, with spaces.
	rest := strings.TrimPrefix(signed, "{")
	return fmt.Sprintf(`{ "signatures" : {"%s":{"ed25519:a_1":"%s"}}, %s`, domain, signature, rest)
}

func TestFederationBehindNginx(t *testing.T) {
	t.Parallel()
	authority := looktest.NewAuthority(t)
	now := time.Now()
	good := keyAnswer("chaton-a.test", now.Add(24*time.Hour), 7)
	domain, host := certificate(t, authority, "chaton-a.test", month), certificate(t, authority, "matrix.chaton-a.test", month)
	type served struct {
		known, version, keys string
		status               int       // of the version
		files                [2]string // of the server behind the well-known document
	}
	none, here := names(t), names(t, "_matrix-fed._tcp.chaton-a.test. 60 IN SRV 1 0 8500 chaton-a.test.")
	away := names(t, "_matrix-fed._tcp.chaton-a.test. 60 IN SRV 1 0 8500 matrix.chaton-a.test.")
	list := map[string]looktest.Case{}
	var sites []looktest.Site
	add := func(name, dns string, s served, at string, want look.Class) {
		front, back := looktest.Port(t), looktest.Port(t)
		text := ""
		if s.known != "" {
			text = looktest.Recorded("/.well-known/matrix/server", 200, s.known)
		}
		sites = append(sites, looktest.Site{Port: front, Files: domain, Text: text},
			looktest.Site{Port: back, Files: s.files, Text: looktest.Recorded("/_matrix/federation/v1/version", max(200, s.status), s.version) +
				looktest.Recorded("/_matrix/key/v2/server", 200, s.keys)})
		l := looktest.Looker(authority.Roots, probes(), map[string]string{"chaton-a.test:443": looktest.Address(front), at: looktest.Address(back)}, dns, time.Now)
		list[name] = looktest.Is(target.Target{Kind: target.Matrix, Address: "chaton-a.test"}, want, func(r look.Result) bool {
			return want != look.Fine || r.Software == "Synapse" && r.Version == "1.118.0" && r.Leaf != [32]byte{}
		}).By(l)
	}
	const delegated = "matrix.chaton-a.test:443"
	add("a document", none, served{wellKnown, version, good, 0, host}, delegated, look.Fine)
	add("a document without a port", none, served{`{"m.server":"matrix.chaton-a.test"}`, version, good, 0, host}, "matrix.chaton-a.test:8448", look.Fine)
	add("no document", none, served{"", version, good, 0, domain}, "chaton-a.test:8448", look.Fine)
	add("a record", here, served{"", version, good, 0, domain}, "chaton-a.test:8500", look.Fine)
	add("a record of another host", away, served{"", version, good, 0, domain}, "matrix.chaton-a.test:8500", look.Unfit)
	add("the certificate of the domain", none, served{wellKnown, version, good, 0, domain}, delegated, look.Cert)
	add("the certificate ended", none, served{wellKnown, version, good, 0, certificate(t, authority, "matrix.chaton-a.test", -time.Hour)}, delegated, look.Cert)
	add("a stranger's server", none, served{`{"m.server":"matrix.chaton-b.test:443"}`, version, good, 0, host}, "matrix.chaton-b.test:443", look.Blocked)
	add("an address", none, served{`{"m.server":"127.0.0.1:443"}`, version, good, 0, host}, "127.0.0.1:443", look.Content)
	add("a document that is none", none, served{`<html>`, version, good, 0, host}, delegated, look.Content)
	add("a document of another kind", none, served{`{"x":1}`, version, good, 0, host}, delegated, look.Content)
	add("a mail port", none, served{`{"m.server":"matrix.chaton-a.test:25"}`, version, good, 0, host}, delegated, look.Blocked)
	add("502", none, served{wellKnown, `x`, good, 502, host}, delegated, look.HTTP5xx)
	add("another program", none, served{wellKnown, `{"ok":true}`, good, 0, host}, delegated, look.Content)
	add("keys that ended", none, served{wellKnown, version, keyAnswer("chaton-a.test", now.Add(-time.Hour), 7), 0, host}, delegated, look.Cert)
	add("keys of another domain", none, served{wellKnown, version, keyAnswer("chaton-b.test", now.Add(time.Hour), 7), 0, host}, delegated, look.Content)
	add("keys that another key signed", none, served{wellKnown, version, keyAnswer("chaton-a.test", now.Add(time.Hour), 8), 0, host}, delegated, look.Content)
	add("no keys", none, served{wellKnown, version, `{"server_name":"chaton-a.test","valid_until_ts":1796000000000,"verify_keys":{}}`, 0, host}, delegated, look.Content)
	add("keys that are none", none, served{wellKnown, version, `[]`, 0, host}, delegated, look.Content)
	server := looktest.Nginx(t, sites...)
	looktest.All(t, nil, list)
	one := list["a document"]
	server.Hang()
	looktest.All(t, nil, map[string]looktest.Case{"hangs": one.But(look.Timeout)})
	server.Wake()
	looktest.All(t, nil, map[string]looktest.Case{"goes on": one.But(look.Fine)})
	server.End()
	looktest.All(t, nil, map[string]looktest.Case{"is gone": one.But(look.Refused)})
}

func FuzzKeys(f *testing.F) {
	now := time.Unix(1_796_000_000, 0)
	f.Add([]byte(keyAnswer("chaton-a.test", now.Add(time.Hour), 7)))
	f.Add([]byte(keyAnswer("chaton-a.test", now.Add(time.Hour), 8)))
	f.Add([]byte(`{"server_name":"chaton-a.test","valid_until_ts":1e99}`))
	f.Add([]byte(`{"server_name":"chaton-a.test","verify_keys":{"ed25519:":{"key":""}},"signatures":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := checkKeys(text, "chaton-a.test", now); err == nil && !strings.Contains(strings.ToLower(string(text)), "server_name") {
			t.Errorf("keys without a name: %q", text)
		}
	})
}

func FuzzDelegated(f *testing.F) {
	for _, s := range []string{"matrix.chaton-a.test:443", "matrix.chaton-a.test", "[::1]:8448", "::1", "a:b:c", "a/b", "a@b:1", "", "a:0", "a%2f:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := delegated(text)
		if err == nil && (p.host == "" || p.port == 0 || strings.ContainsAny(p.host, "/?#@[]")) {
			t.Errorf("%q: %+v", text, p)
		}
	})
}
