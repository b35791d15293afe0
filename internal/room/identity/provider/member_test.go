package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/migrations"
)

// memberID is a member as a client, memberBack where it has people sent back to.
const (
	memberID   = "chaton-b.test"
	memberBack = "https://chaton-b.test/oidc/back"
)

// member is another hoster as a client.
type member struct {
	w      *world
	signer jose.Signer
}

func (w *world) member() member {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: private, KeyID: "b1", Algorithm: "ES256", Use: "sig"}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jwk}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.members.known[memberID] = client.Client{
		ID: memberID, Member: true, Keys: &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{jwk.Public()}},
		Settings: client.Settings{Redirects: []string{memberBack}, Alg: "ES256", PKCE: true},
	}
	return member{w, signer}
}

func (m member) sign(claims map[string]any) string {
	m.w.t.Helper()
	text, err := jwt.Signed(m.signer).Claims(claims).Serialize()
	if err != nil {
		m.w.t.Fatal(err)
	}
	return text
}

// claims are what both kinds of signed requests hold.
func (m member) claims(more map[string]any) map[string]any {
	now := time.Now()
	out := map[string]any{"iss": memberID, "aud": m.w.server.URL, "exp": now.Add(50 * time.Second).Unix(), "iat": now.Unix(), "jti": rand.Text()}
	maps.Copy(out, more)
	return out
}

func (m member) assertion() url.Values {
	return url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {m.sign(m.claims(map[string]any{"sub": memberID}))}}
}

func (m member) request(verifier string, more map[string]any) string {
	claims := m.claims(map[string]any{
		"client_id": memberID, "response_type": "code", "redirect_uri": memberBack, "scope": "openid profile email", "state": "s", "nonce": "n",
		"code_challenge": oauth2.S256ChallengeFromVerifier(verifier), "code_challenge_method": "S256",
	})
	maps.Copy(claims, more)
	return m.sign(claims)
}

func and(v url.Values, pairs ...string) url.Values {
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func TestAMemberSignsItsPeopleIn(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		m, b := w.member(), w.browser()
		alice := w.add("alice", "alice@chaton-a.test")
		b.signIn(alice, time.Now())
		verifier := oauth2.GenerateVerifier()
		answer, out := w.post("/oidc/par", and(m.assertion(), "request", m.request(verifier, nil)), "", "")
		uri, _ := out["request_uri"].(string)
		if answer.StatusCode != http.StatusCreated || uri == "" {
			t.Fatalf("%d %v", answer.StatusCode, out)
		}
		w.members.agreed = false
		ask := "/oidc/authorize?" + url.Values{"client_id": {memberID}, "request_uri": {uri}}.Encode()
		_, to := b.get(ask)
		if to.Path != "/sign-in/consent" {
			t.Fatalf("without asking the person: %s", to)
		}
		if answer, _ := w.browser().get(ask); answer.StatusCode < 400 {
			t.Errorf("one request, two browsers: %d", answer.StatusCode)
		}
		w.members.agreed = true
		_, to = b.get("/oidc/authorize/next?flow=" + to.Query().Get("flow"))
		code := to.Query().Get("code")
		if code == "" || to.Host != "chaton-b.test" || to.Query().Get("iss") != w.server.URL {
			t.Fatalf("sent to %s", to)
		}
		if answer, _ := b.get(ask); answer.StatusCode < 400 {
			t.Errorf("one request, two codes: %d", answer.StatusCode)
		}
		assertion := m.assertion()
		redeem := and(assertion, "grant_type", "authorization_code", "code", code, "redirect_uri", memberBack, "code_verifier", verifier)
		answer, out = w.post("/oidc/token", redeem, "", "")
		raw, _ := out["id_token"].(string)
		token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256})
		if answer.StatusCode != http.StatusOK || err != nil {
			t.Fatalf("%v, %v", out, err)
		}
		var said map[string]any
		if err := token.UnsafeClaimsWithoutVerification(&said); err != nil || said["sub"] != string(alice) || said["nonce"] != "n" || said["groups"] != nil || said["email"] != "alice@chaton-a.test" {
			t.Errorf("%v, %v", said, err)
		}
	})
}

func TestSignedRequestsAreTakenOnce(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		m := w.member()
		form := and(m.assertion(), "request", m.request(oauth2.GenerateVerifier(), nil))
		var good atomic.Int64
		var crew sync.WaitGroup
		for range 8 {
			crew.Go(func() {
				if answer, _ := w.post("/oidc/par", form, "", ""); answer.StatusCode == http.StatusCreated {
					good.Add(1)
				}
			})
		}
		crew.Wait()
		if good.Load() != 1 {
			t.Errorf("taken %d times", good.Load())
		}
		again := and(m.assertion(), "request", form.Get("request"))
		if answer, _ := w.post("/oidc/par", again, "", ""); answer.StatusCode < 400 {
			t.Errorf("a request object that came before: %d", answer.StatusCode)
		}
	})
}

func TestMembersThatAreRefused(t *testing.T) {
	w := sqlite(t)
	m, b := w.member(), w.browser()
	b.signIn(w.add("alice", ""), time.Now())
	v := oauth2.GenerateVerifier()
	old := m
	m = w.member() // the member changes its key
	for what, form := range map[string]url.Values{
		"another key":            and(old.assertion(), "request", m.request(v, nil)),
		"request of another key": and(m.assertion(), "request", old.request(v, nil)),
		"no request object":      and(m.assertion(), "scope", "openid", "redirect_uri", memberBack, "response_type", "code"),
		"no assertion":           {"request": {m.request(v, nil)}, "client_id": {memberID}},
		"another audience":       and(m.assertion(), "request", m.request(v, map[string]any{"aud": "https://chaton-c.test"})),
		"ended":                  and(m.assertion(), "request", m.request(v, map[string]any{"exp": time.Now().Add(-time.Minute).Unix()})),
		"another issuer":         and(m.assertion(), "request", m.request(v, map[string]any{"iss": "https://chaton-c.test"})),
		"another client":         and(m.assertion(), "request", m.request(v, map[string]any{"client_id": "nuage"})),
		"another address":        and(m.assertion(), "request", m.request(v, map[string]any{"redirect_uri": "https://evil.test/"})),
	} {
		if answer, out := w.post("/oidc/par", form, "", ""); answer.StatusCode < 400 {
			t.Errorf("%s: %d %v", what, answer.StatusCode, out)
		}
	}
	long := m.claims(map[string]any{"sub": memberID, "exp": time.Now().Add(time.Hour).Unix()})
	form := and(url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {m.sign(long)}}, "request", m.request(v, nil))
	if answer, _ := w.post("/oidc/par", form, "", ""); answer.StatusCode < 400 {
		t.Error("an assertion that holds for an hour")
	}
	// Not pushed: by value, or with no signature at all.
	for _, query := range []string{"request=" + m.request(v, nil), "response_type=code&scope=openid&redirect_uri=" + url.QueryEscape(memberBack)} {
		if answer, to := b.get("/oidc/authorize?client_id=" + url.QueryEscape(memberID) + "&" + query); answer.StatusCode < 400 && !strings.Contains(to.RawQuery, "error=") {
			t.Errorf("a request that was not pushed: %d %s", answer.StatusCode, to)
		}
	}
}
