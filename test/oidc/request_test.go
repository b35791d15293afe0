package oidc

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
)

func requestChecks() []check {
	bad := func(id, source string, pairs []string, problems ...string) check {
		return check{id, source, func(p *probe) { p.fails(p.browser(), p.newAsk(p.A, pairs...), problems...) }}
	}
	return []check{
		bad("pkce-missing", "RFC 9700 section 2.1.1", []string{"code_challenge", "-", "code_challenge_method", "-"}, "invalid_request"),
		bad("pkce-plain", "RFC 9700 section 2.1.1", []string{"code_challenge_method", "plain"}, "invalid_request"),
		bad("pkce-plain-by-default", "RFC 7636 section 4.3", []string{"code_challenge_method", "-"}, "invalid_request"),
		bad("pkce-short", "RFC 7636 section 4.2", []string{"code_challenge", "abc"}, "invalid_request"),
		bad("pkce-odd", "RFC 7636 section 4.2", []string{"code_challenge", strings.Repeat("é", 43)}, "invalid_request"),
		bad("pkce-unknown", "RFC 7636 section 4.4.1", []string{"code_challenge_method", "S999"}, "invalid_request"),
		bad("type-missing", "RFC 6749 section 3.1.1", []string{"response_type", "-"}, "invalid_request"),
		bad("type-token", "RFC 9700 section 2.1.2", []string{"response_type", "token"}, "unsupported_response_type", "unauthorized_client"),
		bad("type-id-token", "RFC 9700 section 2.1.2", []string{"response_type", "id_token"}, "unsupported_response_type", "unauthorized_client"),
		bad("type-hybrid", "RFC 6749 section 4.1.2.1", []string{"response_type", "code token"}, "unsupported_response_type", "unauthorized_client"),
		bad("type-unknown", "RFC 6749 section 4.1.2.1", []string{"response_type", "nonsense"}, "unsupported_response_type", "unauthorized_client", "invalid_request"),
		bad("mode-unknown", "OAuth Multiple Response Types section 2.1", []string{"response_mode", "nonsense"}, "invalid_request", "unsupported_response_mode"),
		bad("scope-unknown-alone", "RFC 6749 section 3.3", []string{"scope", "nonsense"}, "invalid_scope", "invalid_request"),
		bad("max-age-odd", "OpenID Connect Core 1.0 section 3.1.2.1", []string{"max_age", "-5"}, "invalid_request"),
		bad("request-none", "RFC 9101 section 10.1", []string{"request", unsigned(map[string]any{"redirect_uri": "https://evil.test/cb", "scope": "openid"})}),
		bad("request-broken", "RFC 9101 section 5", []string{"request", "a.b"}),
		{"request-uri-fetched", "RFC 9101 section 10.4", noFetch},
		bad("request-uri-unknown", "RFC 9126 section 4", []string{"request_uri", "urn:ietf:params:oauth:request_uri:none"}),
		{"scope-unknown-passed", "OpenID Connect Core 1.0 section 3.1.2.1", func(p *probe) {
			t := p.enter(p.browser(), p.A, "scope", "openid nonsense")
			p.want(!strings.Contains(t.field("scope"), "nonsense"), "it was granted")
		}},
		{"scope-openid-missing", "OpenID Connect Core 1.0 section 3.1.2.1", func(p *probe) {
			a := p.newAsk(p.A, "scope", "profile")
			end := p.browser().walk(p.link(a))
			if end.code() != "" {
				t := p.call("token_endpoint", p.A, exchange(a, end.code()))
				p.want(t.field("id_token") == "", "an ID token without openid")
			}
		}},
		{"parameter-unknown", "OpenID Connect Core 1.0 section 3.1.2.1", func(p *probe) {
			p.signIn(p.browser(), p.newAsk(p.A, "nonsense", "x", "ui_locales", "xx-YY fr", "display", "page", "acr_values", "nonsense"))
		}},
		{"parameter-twice", "RFC 6749 section 3.1", func(p *probe) {
			for _, name := range []string{"state", "scope", "response_type", "code_challenge", "nonce", "prompt"} {
				a := p.newAsk(p.A)
				a.Add(name, "x")
				a.Add(name, "y")
				p.fails(p.browser(), a)
			}
		}},
		{"post", "OpenID Connect Core 1.0 section 3.1.2.1", func(p *probe) {
			b := p.browser()
			a := b.send(p.request(http.MethodPost, p.at("authorization_endpoint"), p.newAsk(p.A).Values))
			if a.to == nil {
				p.fatalf("status %d", a.status)
			}
			p.want(b.walk(a.to.String()).code() != "", "no code")
		}},
	}
}

// unsigned is a JWT of alg none.
func unsigned(claims map[string]any) string {
	text, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	enc := base64.RawURLEncoding
	return enc.EncodeToString([]byte(`{"alg":"none"}`)) + "." + enc.EncodeToString(text) + "."
}

// noFetch holds that an address in a request is not asked by the provider.
func noFetch(p *probe) {
	var asked atomic.Int64
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer trap.Close()
	for _, address := range []string{trap.URL + "/x", "file:///etc/passwd", "http://[::1]/", "gopher://" + strings.TrimPrefix(trap.URL, "http://")} {
		p.fails(p.browser(), p.newAsk(p.A, "request_uri", address))
	}
	p.fails(p.browser(), p.newAsk(p.A, "claims", "{", "registration", `{"logo_uri":"`+trap.URL+`"}`, "prompt", "none"))
	p.want(asked.Load() == 0, "%d requests to an address that a stranger chose", asked.Load())
}
