package provider_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"
)

// told is what the member is told, in a sign-in of who is signed in in a browser.
func (m member) told(b browser) (said map[string]any) {
	t := m.w.t
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	_, out := m.w.post("/oidc/par", and(m.assertion(), "request", m.request(verifier, nil)), "", "")
	uri, _ := out["request_uri"].(string)
	_, to := b.get("/oidc/authorize?" + url.Values{"client_id": {memberID}, "request_uri": {uri}}.Encode())
	redeem := and(m.assertion(), "grant_type", "authorization_code", "code", to.Query().Get("code"), "redirect_uri", memberBack, "code_verifier", verifier)
	_, out = m.w.post("/oidc/token", redeem, "", "")
	raw, _ := out["id_token"].(string)
	token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatalf("%v %v", out, err)
	}
	if err := token.UnsafeClaimsWithoutVerification(&said); err != nil {
		t.Fatal(err)
	}
	return said
}

// Who took an agreement back, and then agrees without the mail address, is not given away by
// what the member was told before.
func TestAnAddressThatIsSharedNoMore(t *testing.T) {
	w := sqlite(t)
	m, b := w.member(), w.browser()
	alice := w.add("alice", "alice@chaton-a.test")
	b.signIn(alice, time.Now())
	if said := m.told(b); said["email"] != "alice@chaton-a.test" {
		t.Fatalf("%v", said)
	}
	a := w.people.known[alice]
	a.Mail = ""
	w.people.known[alice] = a
	if said := m.told(b); said["email"] != nil || said["email_verified"] != nil {
		t.Errorf("told all the same: %v", said["email"])
	}
}
