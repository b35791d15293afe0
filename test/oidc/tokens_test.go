package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func refreshing(token string) []string {
	return []string{"grant_type", "refresh_token", "refresh_token", token}
}

func (p *probe) refresh(c client, token string, pairs ...string) answer {
	return p.call("token_endpoint", c, form(append(refreshing(token), pairs...)...))
}

// lasting signs in with a refresh token.
func (p *probe) lasting(c client) tokens {
	t := p.enter(p.browser(), c, offline()...)
	if t.Refresh == "" {
		p.fatalf("no refresh token for offline_access: %s", t.body)
	}
	return t
}

func refreshChecks() []check {
	return []check{
		{"refresh", "RFC 6749 section 6", func(p *probe) {
			a := p.refresh(p.A, p.lasting(p.A).Refresh)
			p.want(a.status == http.StatusOK && p.alive(a.field("access_token")), "%d %s", a.status, a.body)
		}},
		{"refresh-only-offline", "OpenID Connect Core 1.0 section 11", func(p *probe) {
			p.want(p.enter(p.browser(), p.A).Refresh == "", "nobody asked for one")
		}},
		{"refresh-reuse", "RFC 9700 section 4.14.2", func(p *probe) {
			first := p.lasting(p.A)
			second := p.refresh(p.A, first.Refresh)
			next := second.field("refresh_token")
			if next == "" || next == first.Refresh {
				p.fatalf("it does not change")
			}
			p.refused("the first again", p.refresh(p.A, first.Refresh), "invalid_grant")
			p.refused("then the second", p.refresh(p.A, next), "invalid_grant")
			p.want(!p.alive(second.field("access_token")), "its access token still holds")
		}},
		{"refresh-eight-times", "RFC 9700 section 4.14.2", func(p *probe) {
			t := p.lasting(p.A)
			good := p.eight(func() answer { return p.refresh(p.A, t.Refresh) })
			p.want(good == 1, "it was taken %d times", good)
		}},
		{"refresh-of-another", "RFC 6749 section 10.4", func(p *probe) {
			t := p.lasting(p.A)
			p.refused("", p.refresh(p.B, t.Refresh), "invalid_grant")
			p.want(p.refresh(p.A, t.Refresh).status == http.StatusOK, "whoever it is shown to ends it")
		}},
		{"refresh-wider", "RFC 6749 section 6", func(p *probe) {
			t := p.enter(p.browser(), p.A, "scope", "openid offline_access", "prompt", "consent")
			a := p.refresh(p.A, t.Refresh, "scope", "openid email profile offline_access")
			if a.status == http.StatusOK {
				info := p.userinfo(a.field("access_token"))
				p.want(info.json()["email"] == nil, "scopes grew")
			}
		}},
		{"refresh-id-token", "OpenID Connect Core 1.0 section 12.2", func(p *probe) {
			t := p.lasting(p.A)
			a := p.refresh(p.A, t.Refresh)
			before, after := p.claims(t.ID), p.claims(a.field("id_token"))
			for _, name := range []string{"iss", "sub", "auth_time"} {
				p.want(before[name] == after[name], "%s was %v, is %v", name, before[name], after[name])
			}
			p.want(after["nonce"] == nil || after["nonce"] == before["nonce"], "nonce %v", after["nonce"])
		}},
		{"refresh-made-up", "RFC 6749 section 5.2", func(p *probe) {
			for _, token := range []string{"nonsense", "", strings.Repeat("x", 30_000), p.lasting(p.A).Access} {
				p.refused(token[:min(len(token), 9)], p.refresh(p.A, token), "invalid_grant", "invalid_request")
			}
		}},
	}
}

// claims reads an ID token after its signature.
func (p *probe) claims(raw string) map[string]any {
	t, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil || len(t.Signatures) != 1 {
		p.fatalf("no ID token: %v %q", err, raw)
	}
	set := p.jwks()
	keys := set.Key(t.Signatures[0].Header.KeyID)
	if len(keys) != 1 {
		p.fatalf("signed by %q, which is not published", t.Signatures[0].Header.KeyID)
	}
	text, err := t.Verify(keys[0])
	if err != nil {
		p.fatalf("the signature is wrong: %v", err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(text, &out); err != nil {
		p.fatalf("claims: %v", err)
	}
	return out
}

func whole(v any) (int64, bool) {
	f, ok := v.(float64)
	return int64(f), ok && f == math.Trunc(f)
}

func audience(v any) []string {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	list, _ := v.([]any)
	out := make([]string, 0, len(list))
	for _, v := range list {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}

func idTokenChecks() []check {
	one := func(id, source string, look func(p *probe, t tokens, c map[string]any), pairs ...string) check {
		return check{id, source, func(p *probe) {
			t := p.enter(p.browser(), p.A, pairs...)
			look(p, t, p.claims(t.ID))
		}}
	}
	return []check{
		one("id-issuer", "OpenID Connect Core 1.0 section 2", func(p *probe, _ tokens, c map[string]any) { p.want(c["iss"] == p.Issuer, "iss %v", c["iss"]) }),
		one("id-audience", "OpenID Connect Core 1.0 section 2", func(p *probe, _ tokens, c map[string]any) {
			p.want(slices.Equal(audience(c["aud"]), []string{p.A.ID}), "aud %v", c["aud"])
			p.want(c["azp"] == nil || c["azp"] == p.A.ID, "azp %v", c["azp"])
		}),
		one("id-times", "OpenID Connect Core 1.0 section 2, RFC 7519 section 2", func(p *probe, t tokens, c map[string]any) {
			iat, whole1 := whole(c["iat"])
			exp, whole2 := whole(c["exp"])
			now := time.Now().Unix()
			p.want(whole1 && whole2 && iat <= now+5 && iat >= now-30 && exp > now && exp-iat <= 24*3600, "iat %v, exp %v, now %d", c["iat"], c["exp"], now)
			_, body, _ := strings.Cut(t.ID, ".")
			body, _, _ = strings.Cut(body, ".")
			text, err := base64.RawURLEncoding.DecodeString(body)
			p.want(err == nil && !strings.Contains(string(text), "e+"), "times as 1.7e+09")
		}),
		one("id-subject", "OpenID Connect Core 1.0 section 2", func(p *probe, _ tokens, c map[string]any) {
			sub, _ := c["sub"].(string)
			p.want(sub != "" && len(sub) <= 255 && strings.IndexFunc(sub, func(r rune) bool { return r > 126 || r < 33 }) < 0, "sub %q", sub)
		}),
		one("id-nonce", "OpenID Connect Core 1.0 section 3.1.3.7", func(p *probe, _ tokens, c map[string]any) { p.want(c["nonce"] == markup, "nonce %v", c["nonce"]) }, "nonce", markup),
		one("id-nonce-absent", "OpenID Connect Core 1.0 section 2", func(p *probe, _ tokens, c map[string]any) { p.want(c["nonce"] == nil, "nonce %v", c["nonce"]) }, "nonce", "-"),
		one("id-auth-time", "OpenID Connect Core 1.0 section 2", func(p *probe, _ tokens, c map[string]any) {
			at, ok := whole(c["auth_time"])
			p.want(ok && at <= time.Now().Unix()+5 && at > time.Now().Unix()-60, "auth_time %v", c["auth_time"])
		}, "max_age", "1000"),
		one("id-hash", "OpenID Connect Core 1.0 section 3.1.3.6", func(p *probe, t tokens, c map[string]any) {
			sum := sha256.Sum256([]byte(t.Access))
			p.want(c["at_hash"] == nil || c["at_hash"] == base64.RawURLEncoding.EncodeToString(sum[:16]), "at_hash %v", c["at_hash"])
		}),
		one("id-types", "OpenID Connect Core 1.0 sections 2 and 5.1", func(p *probe, _ tokens, c map[string]any) {
			_, isText := c["acr"].(string)
			_, isList := c["amr"].([]any)
			_, isBool := c["email_verified"].(bool)
			p.want((c["acr"] == nil || isText) && (c["amr"] == nil || isList) && (c["email_verified"] == nil || isBool), "%v %v %v", c["acr"], c["amr"], c["email_verified"])
		}),
		one("id-alg", "RFC 8725 section 3.2, OpenID Connect Core 1.0 section 2", func(p *probe, t tokens, _ map[string]any) {
			signed, err := jose.ParseSignedCompact(t.ID, []jose.SignatureAlgorithm{jose.RS256})
			p.want(err == nil && signed.Signatures[0].Header.KeyID != "", "not RS256 with a kid: %v", err)
		}),
		{"id-subject-stable", "OpenID Connect Core 1.0 section 2", func(p *probe) {
			first, second := p.claims(p.enter(p.browser(), p.A).ID), p.claims(p.enter(p.browser(), p.A).ID)
			b := p.browser()
			b.who = p.People[1]
			other := p.claims(p.enter(b, p.A).ID)
			p.want(first["sub"] == second["sub"] && first["sub"] != other["sub"], "%v, %v, and of another %v", first["sub"], second["sub"], other["sub"])
		}},
		{"id-sid", "Back-Channel Logout 1.0 section 2.1", func(p *probe) {
			a, b := p.browser(), p.browser()
			first, again, other := p.claims(p.enter(a, p.A).ID), p.claims(p.enter(a, p.A).ID), p.claims(p.enter(b, p.A).ID)
			p.want(first["sid"] != nil && first["sid"] == again["sid"] && first["sid"] != other["sid"], "sid %v, %v, and in another browser %v", first["sid"], again["sid"], other["sid"])
		}},
		{"auth-time-kept", "OpenID Connect Core 1.0 section 2", func(p *probe) {
			b := p.browser()
			first, again := p.claims(p.enter(b, p.A, "max_age", "1000").ID), p.claims(p.enter(b, p.A, "max_age", "1000").ID)
			p.want(first["auth_time"] == again["auth_time"], "auth_time %v, then %v without a sign-in", first["auth_time"], again["auth_time"])
		}},
	}
}
