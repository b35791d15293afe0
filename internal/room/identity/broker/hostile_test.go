package broker_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/broker"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/migrations"
)

// evil is a home that says whatever it wants, with keys of its own.
type evil struct {
	t      testing.TB
	id     core.MemberID
	server *httptest.Server
	key    jose.JSONWebKey
	issuer string
	// alter changes what is said; sign, who signs it; asked is the last request object.
	alter func(c map[string]any)
	sign  func(c map[string]any) string
	asked map[string]any
	posts atomic.Int64 // what programs sent it
	mux   *http.ServeMux
}

func newEvil(t testing.TB) *evil {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	e := &evil{t: t, key: jose.JSONWebKey{Key: private, KeyID: "e1", Algorithm: "ES256", Use: "sig"}, mux: http.NewServeMux()}
	mux := e.mux
	mux.HandleFunc("POST /oidc/par", func(w http.ResponseWriter, r *http.Request) {
		raw := strings.Split(r.FormValue("request"), ".")
		if len(raw) == 3 {
			e.asked = payload(t, raw[1])
		}
		w.WriteHeader(http.StatusCreated)
		w.Write([]byte(`{"request_uri":"urn:x","expires_in":60}`))
	})
	mux.HandleFunc("GET /oidc/authorize", func(w http.ResponseWriter, r *http.Request) {
		state, _ := e.asked["state"].(string)
		to, _ := e.asked["redirect_uri"].(string)
		http.Redirect(w, r, to+"?"+url.Values{"state": {state}, "code": {"c"}, "iss": {e.issuer}}.Encode(), http.StatusSeeOther)
	})
	mux.HandleFunc("POST /oidc/token", func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().Unix()
		c := map[string]any{
			"iss": e.issuer, "aud": e.asked["iss"], "sub": "s1", "nonce": e.asked["nonce"], "iat": now, "exp": now + 600, "auth_time": now,
			"preferred_username": "alice", "amr": []string{"pwd"},
		}
		if e.alter != nil {
			e.alter(c)
		}
		text, _ := json.Marshal(map[string]any{"id_token": e.sign(c), "access_token": "x", "token_type": "Bearer"})
		w.Write(text)
	})
	e.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			e.posts.Add(1)
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(e.server.Close)
	e.issuer, e.id = e.server.URL, core.MemberID(strings.TrimPrefix(e.server.URL, "http://"))
	e.sign = func(c map[string]any) string { return sealed(t, e.key, "JWT", c) }
	return e
}

func payload(t testing.TB, part string) (out map[string]any) {
	signed, err := jose.ParseSignedCompact("eyJhbGciOiJFUzI1NiJ9."+part+".AA", []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func sealed(t testing.TB, k jose.JSONWebKey, typ string, c map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(c)
	signed, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := signed.CompactSerialize()
	return raw
}

func (e *evil) card() home.Card {
	return home.Card{Issuer: e.issuer, Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{e.key.Public()}}}
}

func (n *node) letsEvil(e *evil) {
	n.hears(e.id, e.card())
	n.trust.may[e.id] = true
}

func TestWhatAHomeMayNotSay(t *testing.T) {
	b, e := newNode(t, dbtest.SQLite(t, "identity", migrations.Files)), newEvil(t)
	b.letsEvil(e)
	b.service("nuage", "")
	own := b.add("alice", "alice@mail.test")
	try := func(c func(map[string]any), more ...string) page {
		e.alter = c
		who := newBrowser(t)
		return who.goes(who.opens(b, "nuage", more...), "home", string(e.id))
	}
	if p := try(nil); !p.arrived() {
		t.Fatalf("the one that is right: %d %s", p.status, text(p.body))
	}
	if n := e.posts.Load(); n != 2 {
		t.Errorf("asked %d times for one sign-in", n)
	}
	now := time.Now().Unix()
	set := func(name string, v any) func(map[string]any) { return func(c map[string]any) { c[name] = v } }
	for what, alter := range map[string]func(map[string]any){
		"another issuer":         set("iss", "https://chaton-c.test"),
		"another audience":       set("aud", "chaton-c.test"),
		"two audiences":          set("aud", []string{string(b.id), "chaton-c.test"}),
		"no audience":            func(c map[string]any) { delete(c, "aud") },
		"another party":          set("azp", "chaton-c.test"),
		"another nonce":          set("nonce", "x"),
		"no nonce":               func(c map[string]any) { delete(c, "nonce") },
		"ended":                  set("exp", now-60),
		"no end":                 func(c map[string]any) { delete(c, "exp") },
		"an old one":             set("iat", now-4000),
		"from the future":        set("iat", now+600),
		"a time past numbers":    set("exp", int64(1)<<52),
		"no time of signing in":  func(c map[string]any) { delete(c, "auth_time") },
		"signed in in future":    set("auth_time", now+600),
		"no sub":                 set("sub", ""),
		"a sub with a line":      set("sub", "a\nb"),
		"an enormous sub":        set("sub", strings.Repeat("a", 100)),
		"no handle":              set("preferred_username", ""),
		"a handle in our names":  set("preferred_username", "alice@"+string(b.id)),
		"a look-alike":           set("preferred_username", "аlice"),
		"a handle with a script": set("preferred_username", "<b>"),
	} {
		if p := try(alter); p.arrived() || p.status < 400 {
			t.Errorf("%s: %d %s", what, p.status, p.at)
		}
	}
	other := newEvil(t)
	for what, sign := range map[string]func(map[string]any) string{
		"another's key": func(c map[string]any) string { k := other.key; k.KeyID = "e1"; return sealed(t, k, "JWT", c) },
		"an unknown key": func(c map[string]any) string {
			return sealed(t, jose.JSONWebKey{Key: other.key.Key, KeyID: "o1", Algorithm: "ES256"}, "JWT", c)
		},
		"a logout token":    func(c map[string]any) string { return sealed(t, e.key, "logout+jwt", c) },
		"no signature":      func(map[string]any) string { return "eyJhbGciOiJub25lIn0.e30." },
		"nothing":           func(map[string]any) string { return "" },
		"an enormous token": func(map[string]any) string { return strings.Repeat("a", 100_000) },
		"no key named": func(c map[string]any) string {
			return sealed(t, jose.JSONWebKey{Key: e.key.Key, Algorithm: "ES256"}, "JWT", c)
		},
	} {
		right := e.sign
		e.sign = sign
		if p := try(nil); p.arrived() || p.status < 400 {
			t.Errorf("%s: %d %s", what, p.status, p.at)
		}
		e.sign = right
	}
	// A sign-in that is older than the service wants.
	for _, more := range [][]string{{"prompt", "login"}, {"max_age", "60"}} {
		if p := try(set("auth_time", now-3600), more...); p.arrived() || p.status < 400 {
			t.Errorf("%v: %d %s", more, p.status, p.at)
		}
		if p := try(nil, more...); !p.arrived() {
			t.Errorf("%v: %d %s %s", more, p.status, p.at, text(p.body))
		}
	}
	// Whatever it says, it is never one of ours, and takes nobody's address.
	e.sign = func(c map[string]any) string {
		maps.Copy(c, map[string]any{"sub": string(own.ID), "email": "alice@mail.test", "email_verified": true})
		return sealed(t, e.key, "JWT", c)
	}
	secret := b.service("pad", "")
	who := newBrowser(t)
	told := b.redeem("pad", secret, who.goes(who.opens(b, "pad"), "home", string(e.id)))
	if told["sub"] == string(own.ID) || told["email"] != nil || told["preferred_username"] == "alice" {
		t.Errorf("%v", told)
	}
}

func TestAHomeThatNamesAnothersIssuer(t *testing.T) {
	a, b := two(t)
	e := newEvil(t)
	e.issuer = a.url
	b.letsEvil(e)
	b.service("nuage", "")
	a.add("alice", "")
	who := newBrowser(t)
	p := who.signs(who.goes(who.opens(b, "nuage"), "home", string(e.id)), "alice")
	if p.arrived() || p.status < 400 {
		t.Errorf("A's person as one of the other's: %d %s", p.status, p.at)
	}
}

func TestSigningOutAtHomeSignsOutHere(t *testing.T) {
	a, b := two(t)
	var told []string
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told = append(told, r.FormValue("logout_token")) }))
	defer app.Close()
	secret := b.service("nuage", app.URL+"/out")
	a.add("alice", "")
	who := newBrowser(t)
	p := who.signs(who.goes(who.opens(b, "nuage"), "home", string(a.id)), "alice")
	if !p.arrived() {
		t.Fatal(p.at, text(p.body))
	}
	b.redeem("nuage", secret, p) // until it has, the service knows of nobody
	var token string
	b.meddle = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/oidc/logout" {
			token = r.FormValue("logout_token")
		}
		return false
	}
	who.walk(a.url + "/sign-out")
	who.follow(http.MethodPost, a.url+"/sign-out", url.Values{"x": {"y"}})
	a.must(a.provider.DeliverLogouts(t.Context()))
	if token == "" {
		t.Fatal("B was not told")
	}
	if p := who.opens(b, "nuage"); p.at.Path != "/sign-in" {
		t.Errorf("still signed in at B: %s", p.at)
	}
	b.must(b.provider.DeliverLogouts(t.Context()))
	if len(told) != 1 {
		t.Errorf("the service was told %d times", len(told))
	}
	if status := b.out(token); status != http.StatusBadRequest {
		t.Errorf("taken twice: %d", status)
	}
}

func (n *node) out(token string) int {
	answer, err := http.PostForm(n.url+"/oidc/logout", url.Values{"logout_token": {token}})
	n.must(err)
	answer.Body.Close()
	return answer.StatusCode
}

func TestLogoutTokensThatAreNone(t *testing.T) {
	b, e, other := newNode(t, dbtest.SQLite(t, "identity", migrations.Files)), newEvil(t), newEvil(t)
	b.letsEvil(e)
	b.letsEvil(other)
	now := time.Now().Unix()
	token := func(alter func(map[string]any), typ string, k jose.JSONWebKey) string {
		c := map[string]any{
			"iss": e.issuer, "aud": string(b.id), "sub": "s1", "iat": now, "exp": now + 60, "jti": rand.Text(),
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
		}
		if alter != nil {
			alter(c)
		}
		return sealed(t, k, typ, c)
	}
	if status := b.out(token(nil, "logout+jwt", e.key)); status != http.StatusOK {
		t.Fatalf("the right one: %d", status)
	}
	set := func(name string, v any) func(map[string]any) { return func(c map[string]any) { c[name] = v } }
	for what, raw := range map[string]string{
		"nothing":           "",
		"another kind":      token(nil, "JWT", e.key),
		"another's key":     token(nil, "logout+jwt", other.key),
		"another audience":  token(set("aud", "chaton-c.test"), "logout+jwt", e.key),
		"an unknown issuer": token(set("iss", "https://chaton-c.test"), "logout+jwt", e.key),
		"a nonce":           token(set("nonce", "n"), "logout+jwt", e.key),
		"no event":          token(set("events", map[string]any{}), "logout+jwt", e.key),
		"nobody":            token(func(c map[string]any) { delete(c, "sub") }, "logout+jwt", e.key),
		"no id":             token(func(c map[string]any) { delete(c, "jti") }, "logout+jwt", e.key),
		"old":               token(set("iat", now-3600), "logout+jwt", e.key),
		"ended":             token(set("exp", now-60), "logout+jwt", e.key),
		"from the future":   token(set("iat", now+600), "logout+jwt", e.key),
		"enormous":          strings.Repeat("a", 20_000),
	} {
		if status := b.out(raw); status != http.StatusBadRequest {
			t.Errorf("%s: %d", what, status)
		}
	}
}

func TestAHomeEndsNobodyElsesSession(t *testing.T) {
	a, b := two(t)
	e := newEvil(t)
	b.letsEvil(e)
	b.service("nuage", "")
	alice := a.add("alice", "")
	who := newBrowser(t)
	who.signs(who.goes(who.opens(b, "nuage"), "home", string(a.id)), "alice")
	now := time.Now().Unix()
	token := sealed(t, e.key, "logout+jwt", map[string]any{
		"iss": e.issuer, "aud": string(b.id), "sub": string(alice.ID), "iat": now, "exp": now + 60, "jti": "j",
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	})
	b.out(token)
	if p := who.opens(b, "nuage"); !p.arrived() {
		t.Errorf("signed out: %s", p.at)
	}
}

func TestWebFingerTellsNothingOfPeople(t *testing.T) {
	a := newNode(t, dbtest.SQLite(t, "identity", migrations.Files))
	a.add("alice", "")
	ask := func(resource string) (int, string) {
		answer, err := http.Get(a.url + "/.well-known/webfinger?" + url.Values{"resource": {resource}}.Encode())
		a.must(err)
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text)
	}
	_, known := ask("acct:alice@" + string(a.id))
	status, unknown := ask("acct:nobody@" + string(a.id))
	if status != http.StatusOK || strings.ReplaceAll(known, "alice", "nobody") != unknown || !strings.Contains(known, a.url) {
		t.Errorf("%d %s, %s", status, known, unknown)
	}
	for _, bad := range []string{"", "alice", "acct:alice", "acct:@" + string(a.id), "acct:alice@else.test", "mailto:alice@" + string(a.id), "acct:" + strings.Repeat("a", 400) + "@" + string(a.id)} {
		if status, body := ask(bad); status != http.StatusNotFound {
			t.Errorf("%.40q: %d %s", bad, status, body)
		}
	}
}

func TestADomainNamesItsHomeByWebFinger(t *testing.T) {
	a, b := two(t)
	e := newEvil(t) // a domain that is no member
	finger := a.url
	e.mux.HandleFunc("GET /.well-known/webfinger", func(w http.ResponseWriter, _ *http.Request) {
		text, _ := json.Marshal(map[string]any{"subject": "x", "links": []map[string]any{{"rel": "http://openid.net/specs/connect/1.0/issuer", "href": finger}}})
		w.Write(text)
	})
	b.service("nuage", "")
	who := newBrowser(t)
	if p := who.goes(who.opens(b, "nuage"), "who", "alice@"+string(e.id)); p.at.Host != string(a.id) {
		t.Errorf("not sent home: %s %s", p.at, text(p.body))
	}
	// It only names a member: another address leads nowhere.
	finger = "https://evil.test"
	if p := who.goes(who.opens(b, "nuage"), "who", "alice@"+string(e.id)); p.at.Host != string(b.id) || p.status < 400 {
		t.Errorf("sent to %s", p.at)
	}
}

func TestAPersonTakesTheirWordBack(t *testing.T) {
	a, b := two(t)
	b.service("nuage", "")
	alice := a.add("alice", "")
	who := newBrowser(t)
	who.signs(who.goes(who.opens(b, "nuage"), "home", string(a.id)), "alice")
	who.follow(http.MethodPost, a.url+broker.PathConsents, url.Values{"member": {string(b.id)}})
	if list, err := a.Consents(t.Context(), alice.ID); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	fresh := newBrowser(t)
	p := fresh.goes(fresh.opens(b, "nuage"), "home", string(a.id))
	if p = fresh.post(p, "/sign-in", "flow", p.at.Query().Get("flow"), "who", "alice", "password", "right"); p.at.Path != "/sign-in/consent" {
		t.Errorf("not asked again: %s", p.at)
	}
	if p = fresh.walk(a.url + "/oidc/authorize/next?" + url.Values{"flow": {p.at.Query().Get("flow")}, "cancel": {"1"}}.Encode()); p.at.Path != broker.PathElsewhere {
		t.Errorf("went back to %d %s %s", p.status, p.at, text(p.body))
	}
}
