package oidc

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// tokenChecks hold the token endpoint; codeChecks what a code is good for.
func tokenChecks() []check {
	const auth = "RFC 6749 section 5.2"
	return []check{
		{"token-shape", "RFC 6749 section 5.1", func(p *probe) {
			t := p.enter(p.browser(), p.A)
			seconds, ok := t.json()["expires_in"].(float64)
			p.want(strings.EqualFold(t.field("token_type"), "Bearer") && ok && seconds > 0 && t.Access != "" && t.ID != "", "%s", t.body)
			p.want(strings.HasPrefix(t.header.Get("Content-Type"), "application/json"), "%s", t.header.Get("Content-Type"))
		}},
		{"token-no-store", "RFC 6749 section 5.1", func(p *probe) {
			t := p.enter(p.browser(), p.A)
			p.want(strings.Contains(t.header.Get("Cache-Control"), "no-store"), "%q", t.header.Get("Cache-Control"))
			bad := p.call("token_endpoint", p.A, form("grant_type", "authorization_code", "code", "x"))
			p.want(strings.Contains(bad.header.Get("Cache-Control"), "no-store"), "errors: %q", bad.header.Get("Cache-Control"))
		}},
		{"client-post", "RFC 6749 section 2.3.1", func(p *probe) { p.enter(p.browser(), p.B) }},
		{"client-wrong-secret", auth, func(p *probe) {
			a := p.call("token_endpoint", p.with(p.A, "wrong"), p.goodForm())
			p.refused("", a, "invalid_client")
			p.want(a.status == http.StatusUnauthorized && strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic"), "%d %q", a.status, a.header.Get("WWW-Authenticate"))
		}},
		{"client-wrong-secret-post", auth, func(p *probe) {
			p.refused("", p.call("token_endpoint", p.with(p.B, "wrong"), p.goodForm()), "invalid_client")
		}},
		{"client-no-secret", auth, func(p *probe) {
			p.refused("nothing", p.call("token_endpoint", client{}, p.goodForm()), "invalid_client", "invalid_request")
			p.refused("a name", p.call("token_endpoint", client{}, changed(p.goodForm(), "client_id", p.A.ID)), "invalid_client")
			p.refused("an empty secret", p.call("token_endpoint", p.with(p.B, ""), p.goodForm()), "invalid_client", "invalid_request")
		}},
		{"client-nobody", "OWASP ASVS 4.0 section 2.2, RFC 6749 section 5.2", func(p *probe) {
			wrong := p.call("token_endpoint", p.with(p.A, "wrong"), p.goodForm())
			nobody := p.call("token_endpoint", client{ID: "nobody", Secret: "wrong", Basic: true}, p.goodForm())
			p.want(wrong.status == nobody.status && wrong.body == nobody.body, "%d %s, and for nobody %d %s", wrong.status, wrong.body, nobody.status, nobody.body)
		}},
		{"client-two-ways", "RFC 6749 section 2.3", func(p *probe) {
			a := p.call("token_endpoint", p.A, changed(p.goodForm(), "client_id", p.A.ID, "client_secret", p.A.Secret))
			p.refused("", a, "invalid_request", "invalid_client")
		}},
		{"client-two-names", "RFC 6749 section 2.3", func(p *probe) {
			p.refused("", p.call("token_endpoint", p.A, changed(p.goodForm(), "client_id", p.B.ID)), "invalid_request", "invalid_client", "invalid_grant")
		}},
		{"client-secret-in-address", "RFC 6749 section 2.3.1", func(p *probe) {
			address := p.at("token_endpoint") + "?" + form("client_id", p.B.ID, "client_secret", p.B.Secret).Encode()
			p.refused("", p.do(program(), p.request(http.MethodPost, address, p.formOf(p.B))))
		}},
		{"client-basic-odd", auth, func(p *probe) {
			for _, value := range []string{"Basic", "Basic !!!", "Basic Og==", "Basic " + strings.Repeat("QUFB", 3000), "Digest x", "Bearer x", "Basic %%%"} {
				r := p.request(http.MethodPost, p.at("token_endpoint"), p.goodForm())
				r.Header.Set("Authorization", value)
				p.refused(value[:min(len(value), 12)], p.do(program(), r))
			}
		}},
		{"assertion-none", "RFC 7523 section 3, RFC 8725 section 3.2", func(p *probe) {
			p.refused("", p.assert(p.A, unsigned(p.claimsOf(p.A))), "invalid_client", "invalid_request")
		}},
		{"assertion-secret", "RFC 8725 section 3.1", func(p *probe) {
			p.refused("signed with the secret, or with nothing", p.assert(p.A, p.hmac([]byte(p.A.Secret))), "invalid_client", "invalid_request")
		}},
		{"assertion-public-key", "RFC 8725 section 2.1", func(p *probe) {
			keys := p.do(program(), p.request(http.MethodGet, p.at("jwks_uri"), nil)).body
			p.refused("signed with what everybody knows", p.assert(p.A, p.hmac([]byte(keys))), "invalid_client", "invalid_request")
		}},
		{"grant-unknown", "RFC 6749 section 5.2", func(p *probe) {
			p.refused("", p.call("token_endpoint", p.A, form("grant_type", "nonsense")), "unsupported_grant_type", "unauthorized_client")
			p.refused("none", p.call("token_endpoint", p.A, form("code", "x")), "invalid_request", "unsupported_grant_type")
		}},
		{"grant-password", "RFC 9700 section 2.4", func(p *probe) {
			p.refused("", p.call("token_endpoint", p.A, form("grant_type", "password", "username", p.People[0].Name, "password", p.People[0].Password, "scope", "openid")), "unsupported_grant_type", "unauthorized_client")
		}},
		{"grant-client", "RFC 6749 section 5.2", func(p *probe) {
			p.refused("", p.call("token_endpoint", p.A, form("grant_type", "client_credentials", "scope", "openid")), "unsupported_grant_type", "unauthorized_client")
		}},
		{"grant-exchange", "RFC 6749 section 5.2", func(p *probe) {
			for _, kind := range []string{"urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:device_code"} {
				p.refused(kind, p.call("token_endpoint", p.A, form("grant_type", kind, "assertion", unsigned(p.claimsOf(p.A)), "subject_token", "x")))
			}
		}},
		{"token-get", "RFC 6749 section 3.2", func(p *probe) {
			r := p.request(http.MethodGet, p.at("token_endpoint")+"?"+p.goodForm().Encode(), nil)
			r.SetBasicAuth(p.A.ID, p.A.Secret)
			p.refused("", p.do(program(), r))
		}},
		{"token-json", "RFC 6749 section 4.1.3", func(p *probe) {
			r := p.request(http.MethodPost, p.at("token_endpoint"), nil)
			r.Body = http.NoBody
			r.Header.Set("Content-Type", "application/json")
			r.SetBasicAuth(p.A.ID, p.A.Secret)
			p.refused("", p.do(program(), r))
		}},
		{"token-twice", "RFC 6749 section 3.2", func(p *probe) {
			for _, name := range []string{"code", "grant_type", "redirect_uri", "code_verifier"} {
				f := p.goodForm()
				f.Add(name, "x")
				p.refused(name, p.call("token_endpoint", p.A, f), "invalid_request")
			}
		}},
		{"token-cors", "Fetch standard, credentials", func(p *probe) {
			r := p.request(http.MethodPost, p.at("token_endpoint"), p.goodForm())
			r.Header.Set("Origin", "https://evil.test")
			p.want(p.do(program(), r).header.Get("Access-Control-Allow-Credentials") == "", "any site may send a browser's cookies")
		}},
	}
}

// with is a client with another secret.
func (*probe) with(c client, secret string) client {
	c.Secret = secret
	return c
}

// goodForm is a code of A that was not used, as the form for its tokens.
func (p *probe) goodForm() url.Values { return p.formOf(p.A) }

func (p *probe) formOf(c client) url.Values {
	a := p.newAsk(c)
	return exchange(a, p.signIn(p.browser(), a).code())
}

func (p *probe) claimsOf(c client) map[string]any {
	now := time.Now().Unix()
	return map[string]any{"iss": c.ID, "sub": c.ID, "aud": p.Issuer, "jti": "j-1", "iat": now, "exp": now + 60}
}

// hmac is an assertion of A signed with a secret that the attacker chose.
func (p *probe) hmac(secret []byte) string {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: secret}, nil)
	if err != nil {
		p.fatalf("%v", err)
	}
	text, err := jwt.Signed(s).Claims(p.claimsOf(p.A)).Serialize()
	if err != nil {
		p.fatalf("%v", err)
	}
	return text
}

func (p *probe) assert(c client, assertion string) answer {
	f := p.formOf(c)
	return p.call("token_endpoint", client{}, changed(f, "client_id", c.ID, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", assertion))
}

func codeChecks() []check {
	bad := func(id, source string, problems []string, pairs ...string) check {
		return check{id, source, func(p *probe) {
			p.refused("", p.call("token_endpoint", p.A, changed(p.goodForm(), pairs...)), problems...)
		}}
	}
	grant := []string{"invalid_grant"}
	either := []string{"invalid_grant", "invalid_request"}
	return []check{
		bad("code-made-up", "RFC 6749 section 5.2", grant, "code", "nonsense"),
		bad("code-empty", "RFC 6749 section 5.2", either, "code", ""),
		bad("code-huge", "RFC 6749 section 5.2", nil, "code", strings.Repeat("x", 40_000)),
		bad("code-odd", "RFC 6749 section 5.2", nil, "code", "\x00\xff' OR 1=1 --"),
		bad("verifier-wrong", "RFC 7636 section 4.6", grant, "code_verifier", strings.Repeat("a", 43)),
		bad("verifier-missing", "RFC 7636 section 4.6", either, "code_verifier", "-"),
		bad("verifier-empty", "RFC 7636 section 4.6", either, "code_verifier", ""),
		bad("code-redirect-wrong", "RFC 6749 section 4.1.3", grant, "redirect_uri", "https://evil.test/cb"),
		bad("code-redirect-missing", "RFC 6749 section 4.1.3", either, "redirect_uri", "-"),
		{"code-redirect-second", "RFC 6749 section 4.1.3", func(p *probe) {
			p.refused("", p.call("token_endpoint", p.A, changed(p.goodForm(), "redirect_uri", p.A.Redirects[1])), "invalid_grant")
		}},
		{"verifier-is-challenge", "RFC 7636 section 4.6", func(p *probe) {
			a := p.newAsk(p.A)
			f := exchange(a, p.signIn(p.browser(), a).code())
			p.refused("", p.call("token_endpoint", p.A, changed(f, "code_verifier", a.Get("code_challenge"))), "invalid_grant")
		}},
		{"pkce-downgrade", "RFC 9700 section 2.1.1", func(p *probe) {
			a := p.newAsk(p.C, "code_challenge", "-", "code_challenge_method", "-")
			p.refused("", p.call("token_endpoint", p.C, exchange(a, p.signIn(p.browser(), a).code())), "invalid_grant", "invalid_request")
		}},
		{"pkce-kept", "RFC 7636 section 4.6", func(p *probe) {
			a := p.newAsk(p.C)
			f := exchange(a, p.signIn(p.browser(), a).code())
			p.refused("", p.call("token_endpoint", p.C, changed(f, "code_verifier", "-")), "invalid_grant", "invalid_request")
		}},
		{"code-of-another", "RFC 6749 section 4.1.3", func(p *probe) {
			p.refused("", p.call("token_endpoint", p.B, p.goodForm()), "invalid_grant")
		}},
		{"code-twice", "RFC 6749 section 4.1.2", func(p *probe) {
			f := p.goodForm()
			t := p.call("token_endpoint", p.A, f)
			p.refused("", p.call("token_endpoint", p.A, f), "invalid_grant")
			p.want(!p.alive(t.field("access_token")), "its tokens still hold")
		}},
		{"code-eight-times", "RFC 6749 sections 4.1.2 and 10.5", func(p *probe) {
			f := p.goodForm()
			good := p.eight(func() answer { return p.call("token_endpoint", p.A, f) })
			p.want(good == 1, "it was taken %d times", good)
		}},
		{"code-as-token", "RFC 6749 section 1.4", func(p *probe) {
			p.want(!p.alive(p.signIn(p.browser(), p.newAsk(p.A)).code()), "a code is an access token")
		}},
	}
}

// eight does the same eight times at once and counts how often tokens came.
func (p *probe) eight(do func() answer) int64 {
	var good, broken atomic.Int64
	var crew sync.WaitGroup
	for range 8 {
		crew.Go(func() {
			if a := do(); a.field("access_token") != "" {
				good.Add(1)
			} else if a.status >= 500 {
				broken.Add(1)
			}
		})
	}
	crew.Wait()
	p.want(broken.Load() == 0, "%d times a status of 500 or more", broken.Load())
	return good.Load()
}
