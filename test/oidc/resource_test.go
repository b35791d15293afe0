package oidc

import (
	"net/http"
	"strings"
)

func userinfoChecks() []check {
	return []check{
		{"userinfo", "OpenID Connect Core 1.0 section 5.3.2", func(p *probe) {
			t := p.enter(p.browser(), p.A)
			a := p.userinfo(t.Access)
			p.want(a.status == http.StatusOK && strings.HasPrefix(a.header.Get("Content-Type"), "application/json") && a.json()["sub"] == p.claims(t.ID)["sub"], "%d %s", a.status, a.body)
		}},
		{"userinfo-post", "OpenID Connect Core 1.0 section 5.3.1", func(p *probe) {
			r := p.request(http.MethodPost, p.at("userinfo_endpoint"), nil)
			r.Header.Set("Authorization", "Bearer "+p.enter(p.browser(), p.A).Access)
			a := p.do(program(), r)
			p.want(a.status == http.StatusOK, "%d", a.status)
		}},
		{"userinfo-post-form", "RFC 6750 section 2.2", func(p *probe) {
			a := p.do(program(), p.request(http.MethodPost, p.at("userinfo_endpoint"), form("access_token", p.enter(p.browser(), p.A).Access)))
			p.want(a.status == http.StatusOK, "%d", a.status)
		}},
		{"userinfo-scopes", "OpenID Connect Core 1.0 section 5.4", func(p *probe) {
			c := p.userinfo(p.enter(p.browser(), p.A, "scope", "openid").Access).json()
			for _, name := range []string{"email", "email_verified", "name", "preferred_username", "groups"} {
				p.want(c[name] == nil, "%s without its scope", name)
			}
		}},
		{"userinfo-nobody", "RFC 6750 section 3.1", func(p *probe) {
			a := p.userinfo("")
			challenge := a.header.Get("WWW-Authenticate")
			p.want(a.status == http.StatusUnauthorized && strings.HasPrefix(challenge, "Bearer") && !strings.Contains(challenge, "error="), "%d %q", a.status, challenge)
		}},
		{"userinfo-wrong", "RFC 6750 section 3.1", func(p *probe) {
			for _, token := range []string{"nonsense", strings.Repeat("x", 5000), unsigned(map[string]any{"iss": p.Issuer, "sub": "x"})} {
				a := p.userinfo(token)
				p.want(a.status == http.StatusUnauthorized && strings.Contains(a.header.Get("WWW-Authenticate"), `error="invalid_token"`), "%d %q", a.status, a.header.Get("WWW-Authenticate"))
			}
		}},
		{"userinfo-id-token", "RFC 8725 section 3.11", func(p *probe) { p.want(!p.alive(p.enter(p.browser(), p.A).ID), "an ID token opens it") }},
		{"userinfo-in-address", "RFC 9700 section 4.3.2", func(p *probe) {
			address := p.at("userinfo_endpoint") + "?access_token=" + p.enter(p.browser(), p.A).Access
			a := p.do(program(), p.request(http.MethodGet, address, nil))
			p.want(a.status >= 400, "a token in the address is taken: %d", a.status)
		}},
		{"userinfo-two-ways", "RFC 6750 section 2", func(p *probe) {
			token := p.enter(p.browser(), p.A).Access
			r := p.request(http.MethodPost, p.at("userinfo_endpoint"), form("access_token", token))
			r.Header.Set("Authorization", "Bearer "+token)
			a := p.do(program(), r)
			p.want(a.status >= 400, "two tokens: %d", a.status)
		}},
		{"userinfo-cors", "OpenID Connect Core 1.0 section 5.3", func(p *probe) {
			r := p.request(http.MethodGet, p.at("userinfo_endpoint"), nil)
			r.Header.Set("Authorization", "Bearer "+p.enter(p.browser(), p.A).Access)
			r.Header.Set("Origin", "https://app-a.test")
			a := p.do(program(), r)
			p.want(a.header.Get("Access-Control-Allow-Credentials") == "", "with credentials for any site")
		}},
		{"userinfo-kept", "RFC 6750 section 5.3", func(p *probe) {
			a := p.userinfo(p.enter(p.browser(), p.A).Access)
			cache := a.header.Get("Cache-Control")
			p.want(strings.Contains(cache, "no-store") || strings.Contains(cache, "private"), "%q", cache)
		}},
	}
}

// inspectChecks hold introspection and revocation.
func inspectChecks() []check {
	const intro, revoke = "introspection_endpoint", "revocation_endpoint"
	return []check{
		{"introspect", "RFC 7662 section 2.2", func(p *probe) {
			t := p.enter(p.browser(), p.A)
			a := p.call(intro, p.A, form("token", t.Access))
			c := a.json()
			p.want(a.status == http.StatusOK && c["active"] == true && c["client_id"] == p.A.ID && c["sub"] == p.claims(t.ID)["sub"], "%d %s", a.status, a.body)
			p.want(!strings.Contains(a.header.Get("Cache-Control"), "public"), "%q", a.header.Get("Cache-Control"))
		}},
		{"introspect-nobody", "RFC 7662 section 2.1", func(p *probe) {
			a := p.call(intro, client{}, form("token", p.enter(p.browser(), p.A).Access))
			p.want(a.status >= 400 && a.json()["active"] == nil, "%d %s", a.status, a.body)
		}},
		{"introspect-made-up", "RFC 7662 section 2.2", func(p *probe) {
			for _, token := range []string{"nonsense", "a.b.c", strings.Repeat("x", 30_000)} {
				a := p.call(intro, p.A, form("token", token))
				p.want(a.status == http.StatusOK && a.json()["active"] == false && len(a.json()) == 1, "%d %s", a.status, a.body)
			}
		}},
		{"introspect-of-another", "RFC 7662 section 4", func(p *probe) {
			a := p.call(intro, p.B, form("token", p.enter(p.browser(), p.A).Access))
			p.want(a.json()["active"] != true, "%s", a.body)
		}},
		{"introspect-missing", "RFC 7662 section 2.1", func(p *probe) {
			a := p.call(intro, p.A, form("x", "y"))
			p.want(a.status >= 400 || a.json()["active"] == false, "%d %s", a.status, a.body)
		}},
		{"revoke", "RFC 7009 section 2", func(p *probe) {
			t := p.enter(p.browser(), p.A)
			p.want(p.call(revoke, p.A, form("token", t.Access)).status == http.StatusOK && !p.alive(t.Access), "it still holds")
		}},
		{"revoke-refresh", "RFC 7009 section 2.1", func(p *probe) {
			t := p.lasting(p.A)
			a := p.call(revoke, p.A, form("token", t.Refresh, "token_type_hint", "refresh_token"))
			p.want(a.status == http.StatusOK && !p.alive(t.Access), "%d, its access token still holds", a.status)
			p.refused("", p.refresh(p.A, t.Refresh), "invalid_grant")
		}},
		{"revoke-hint", "RFC 7009 section 2.1", func(p *probe) {
			t := p.lasting(p.A)
			p.want(p.call(revoke, p.A, form("token", t.Refresh, "token_type_hint", "access_token")).status == http.StatusOK, "a wrong hint")
			p.refused("", p.refresh(p.A, t.Refresh), "invalid_grant")
		}},
		{"revoke-made-up", "RFC 7009 section 2.2", func(p *probe) {
			a := p.call(revoke, p.A, form("token", "nonsense"))
			p.want(a.status == http.StatusOK, "%d %s", a.status, a.body)
		}},
		{"revoke-of-another", "RFC 7009 section 2.1", func(p *probe) {
			t := p.lasting(p.A)
			p.call(revoke, p.B, form("token", t.Access))
			p.call(revoke, p.B, form("token", t.Refresh))
			p.want(p.alive(t.Access) && p.refresh(p.A, t.Refresh).status == http.StatusOK, "another client ended it")
		}},
		{"revoke-nobody", "RFC 7009 section 2.1", func(p *probe) {
			t := p.enter(p.browser(), p.A)
			a := p.call(revoke, client{}, form("token", t.Access))
			p.want(a.status >= 400 && p.alive(t.Access), "%d, anybody may", a.status)
		}},
	}
}

func pushChecks() []check {
	const par = "pushed_authorization_request_endpoint"
	push := func(p *probe, c client, pairs ...string) answer { return p.call(par, c, p.newAsk(c, pairs...).Values) }
	return []check{
		{"par", "RFC 9126 sections 2.2 and 4", func(p *probe) {
			ask := p.newAsk(p.A)
			a := p.call(par, p.A, ask.Values)
			p.want(a.status == http.StatusCreated && a.json()["expires_in"] != nil, "%d %s", a.status, a.body)
			b := p.browser()
			end := b.walk(p.at("authorization_endpoint") + "?" + form("client_id", p.A.ID, "request_uri", a.field("request_uri")).Encode())
			p.want(end.code() != "" && end.Get("state") == ask.Get("state"), "no code: %d %v", end.last.status, end.Values)
			end = b.walk(p.at("authorization_endpoint") + "?" + form("client_id", p.A.ID, "request_uri", a.field("request_uri")).Encode())
			p.want(end.code() == "", "it is taken twice (section 7.3)")
		}},
		{"par-nobody", "RFC 9126 section 2", func(p *probe) {
			p.refused("", p.call(par, client{}, p.newAsk(p.A).Values), "invalid_client", "invalid_request")
			p.refused("a wrong secret", p.call(par, p.with(p.A, "wrong"), p.newAsk(p.A).Values), "invalid_client")
		}},
		{"par-redirect", "RFC 9126 section 2.3", func(p *probe) { p.refused("", push(p, p.A, "redirect_uri", "https://evil.test/cb")) }},
		{"par-pkce", "RFC 9126 section 2.1", func(p *probe) {
			a := push(p, p.A, "code_challenge", "-", "code_challenge_method", "-")
			if a.status < 400 {
				p.fails(p.browser(), ask{form("client_id", p.A.ID, "request_uri", a.field("request_uri")), p.A, ""})
			}
		}},
		{"par-request-uri", "RFC 9126 section 2.1", func(p *probe) {
			p.refused("", push(p, p.A, "request_uri", "urn:x"), "invalid_request", "request_uri_not_supported")
		}},
		{"par-of-another", "RFC 9126 section 4", func(p *probe) {
			a := push(p, p.A)
			p.fails(p.browser(), ask{form("client_id", p.B.ID, "request_uri", a.field("request_uri"), "response_type", "code"), p.B, ""})
		}},
		{"par-client-of-another", "RFC 9126 section 2.1", func(p *probe) {
			p.refused("", p.call(par, p.A, changed(p.newAsk(p.A).Values, "client_id", p.B.ID)))
		}},
	}
}
