package oidc

import (
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

func discoveryChecks() []check {
	return []check{
		{"discovery-issuer", "Discovery 1.0 section 4.3", func(p *probe) {
			p.want(p.meta.text("issuer") == p.Issuer, "issuer %q", p.meta.text("issuer"))
		}},
		{"discovery-type", "Discovery 1.0 section 4.2", func(p *probe) {
			a := p.do(program(), p.request(http.MethodGet, p.Issuer+"/.well-known/openid-configuration", nil))
			p.want(a.status == http.StatusOK && strings.HasPrefix(a.header.Get("Content-Type"), "application/json"), "%d %s", a.status, a.header.Get("Content-Type"))
		}},
		{"discovery-required", "Discovery 1.0 section 3", func(p *probe) {
			for _, name := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri"} {
				u, err := url.Parse(p.meta.text(name))
				p.want(err == nil && u.Host != "" && u.Fragment == "", "%s %q", name, u)
			}
			p.want(slices.Contains(p.meta.list("response_types_supported"), "code"), "response_types_supported")
			p.want(len(p.meta.list("subject_types_supported")) > 0, "subject_types_supported")
			p.want(slices.Contains(p.meta.list("id_token_signing_alg_values_supported"), "RS256"), "RS256")
		}},
		{"discovery-no-none", "RFC 8725 section 3.2", func(p *probe) {
			for name := range p.meta {
				if strings.HasSuffix(name, "_alg_values_supported") {
					p.want(!slices.Contains(p.meta.list(name), "none"), "%s has none", name)
				}
			}
		}},
		{"discovery-no-implicit", "RFC 9700 section 2.1.2", func(p *probe) {
			for _, kind := range p.meta.list("response_types_supported") {
				p.want(!slices.Contains(strings.Fields(kind), "token"), "response type %q", kind)
			}
			p.want(!slices.Contains(p.meta.list("grant_types_supported"), "password"), "grant type password (section 2.4)")
		}},
		{"discovery-pkce", "RFC 9700 section 2.1.1", func(p *probe) {
			list := p.meta.list("code_challenge_methods_supported")
			p.want(slices.Equal(list, []string{"S256"}), "%s", quoted(list))
		}},
		{"discovery-iss", "RFC 9207 section 3", func(p *probe) {
			p.want(p.meta["authorization_response_iss_parameter_supported"] == true, "not said")
		}},
		{"discovery-logout", "RP-Initiated Logout 1.0 section 2.1, Back-Channel Logout 1.0 section 2.1", func(p *probe) {
			p.want(p.meta.text("end_session_endpoint") != "", "no end_session_endpoint")
			p.want(p.meta["backchannel_logout_supported"] == true && p.meta["backchannel_logout_session_supported"] == true, "no back-channel logout with sid")
		}},
		{"discovery-request-uri", "RFC 9101 section 10.4", func(p *probe) {
			p.want(p.meta["request_uri_parameter_supported"] == false, "request_uri may be anybody's: the metadata must say false, absent is true")
		}},
		{"discovery-host", "RFC 9700 section 4.13, host header", func(p *probe) {
			for _, name := range []string{"Host", "X-Forwarded-Host", "Forwarded"} {
				r := p.request(http.MethodGet, p.Issuer+"/.well-known/openid-configuration", nil)
				if r.Header.Set(name, "evil.test"); name == "Host" {
					r.Host = "evil.test"
				}
				a := p.do(program(), r)
				p.want(!strings.Contains(a.body, "evil.test"), "%s is believed", name)
			}
		}},
		{"jwks-public", "RFC 7517 section 9.2", func(p *probe) {
			for _, k := range p.keys() {
				for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "k", "oth"} {
					p.want(k[name] == nil, "a key has %q", name)
				}
			}
		}},
		{"jwks-ids", "OpenID Connect Core 1.0 section 10.1", func(p *probe) {
			seen := map[any]bool{}
			for _, k := range p.keys() {
				p.want(k["kid"] != nil && k["kty"] != nil && !seen[k["kid"]], "kid %v, kty %v", k["kid"], k["kty"])
				seen[k["kid"]] = true
			}
		}},
		{"jwks-strength", "RFC 7518 section 3.3", func(p *probe) {
			for _, k := range p.jwks().Keys {
				if public, ok := k.Key.(*rsa.PublicKey); ok {
					p.want(public.N.BitLen() >= 2048, "%d bits", public.N.BitLen())
				}
			}
		}},
	}
}

// keys are the published keys as they stand.
func (p *probe) keys() []map[string]any {
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	a := p.do(program(), p.request(http.MethodGet, p.at("jwks_uri"), nil))
	if err := json.Unmarshal([]byte(a.body), &set); err != nil || len(set.Keys) == 0 {
		p.fatalf("no keys: %v %s", err, a.body)
	}
	return set.Keys
}

func (p *probe) jwks() (set jose.JSONWebKeySet) {
	a := p.do(program(), p.request(http.MethodGet, p.at("jwks_uri"), nil))
	if err := json.Unmarshal([]byte(a.body), &set); err != nil {
		p.fatalf("keys cannot be read: %v", err)
	}
	return set
}
