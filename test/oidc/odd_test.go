package oidc

import (
	"net/http"
	"strings"
	"time"
)

// oddChecks send what no client sends: nothing may break, grow or take long.
func oddChecks() []check {
	endpoints := []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "introspection_endpoint", "revocation_endpoint", "end_session_endpoint", "pushed_authorization_request_endpoint"}
	return []check{
		{"odd-methods", "RFC 9110 section 15.6", func(p *probe) {
			for _, name := range endpoints {
				for _, method := range []string{http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch, "NONSENSE"} {
					a := p.do(program(), p.request(method, p.at(name), nil))
					p.want(a.status < 500 || a.status == http.StatusNotImplemented, "%s %s: %d", method, name, a.status)
					p.want(a.header.Get("Access-Control-Allow-Credentials") == "", "%s %s: any site, with credentials", method, name)
				}
			}
		}},
		{"odd-bytes", "RFC 9110 section 15.6", func(p *probe) {
			for _, query := range []string{"%", "%zz=1", "a=%00", "a=%ff%fe", "&&&=&=", "client_id[]=a", "client_id=%C0%AF", strings.Repeat("a=b&", 1500), "client_id=" + strings.Repeat("x", 7000), ";a;b"} {
				for _, name := range endpoints {
					a := p.do(program(), p.request(http.MethodGet, p.at(name)+"?"+query, nil))
					p.want(a.status < 500, "%s?%.20s: %d", name, query, a.status)
				}
			}
		}},
		{"odd-values", "RFC 9110 section 15.6", func(p *probe) {
			for _, value := range []string{"\x00", "\xff\xfe", "' OR '1'='1", "{{7*7}}", "${7*7}", "../../etc/passwd", "\u202eevil", strings.Repeat("é", 2000), "-1", "1e999"} {
				for _, name := range []string{"client_id", "redirect_uri", "scope", "state", "nonce", "prompt", "max_age", "login_hint", "id_token_hint", "acr_values", "claims", "code_challenge", "response_mode", "ui_locales"} {
					a := p.begin(p.browser(), p.newAsk(p.A, name, value))
					p.want(a.status < 500, "%s=%.12q: %d", name, value, a.status)
				}
			}
		}},
		{"odd-claims", "OpenID Connect Core 1.0 section 5.5", func(p *probe) {
			for _, value := range []string{"[]", "{}", "null", `{"id_token":{"sub":{"value":"x"}}}`, strings.Repeat(`{"a":`, 800), `{"userinfo":{"email":{"essential":true}}}`} {
				a := p.begin(p.signedIn(), p.newAsk(p.A, "claims", value, "scope", "openid"))
				p.want(a.status < 500, "%.30s: %d", value, a.status)
			}
		}},
		{"odd-huge", "RFC 9110 section 15.5.14", func(p *probe) {
			from := time.Now()
			for _, name := range []string{"token_endpoint", "introspection_endpoint", "authorization_endpoint"} {
				r := p.request(http.MethodPost, p.at(name), form("client_id", p.A.ID, "code", strings.Repeat("x", 8<<20)))
				resp, err := program().Do(r)
				if err != nil {
					continue // it hung up, as it may
				}
				resp.Body.Close()
				p.want(resp.StatusCode >= 400 && resp.StatusCode < 500, "%s: %d", name, resp.StatusCode)
			}
			p.want(time.Since(from) < 20*time.Second, "it took %v", time.Since(from))
		}},
		{"odd-paths", "OWASP", func(p *probe) {
			for _, path := range []string{"/.well-known/openid-configuration/../../etc/passwd", "/oidc/%2e%2e/%2e%2e/etc/passwd", "/oidc/token/..%2fjwks", "//evil.test/%2f.."} {
				a := p.do(program(), p.request(http.MethodGet, p.Issuer+path, nil))
				p.want(a.status < 500 && !strings.Contains(a.body, "root:"), "%s: %d", path, a.status)
				p.want(a.to == nil || !strings.Contains(a.to.Host, "evil"), "%s: sent to %s", path, a.to)
			}
		}},
		{"registration-closed", "Dynamic Registration 1.0 section 3", func(p *probe) {
			for _, address := range []string{p.meta.text("registration_endpoint"), p.Issuer + "/oidc/register", p.Issuer + "/register", p.Issuer + "/reg"} {
				if address == "" {
					continue
				}
				r, err := http.NewRequestWithContext(p.ctx, http.MethodPost, address, strings.NewReader(`{"redirect_uris":["https://evil.test/cb"]}`))
				if err != nil {
					p.fatalf("%v", err)
				}
				r.Header.Set("Content-Type", "application/json")
				a := p.do(program(), r)
				p.want(a.status >= 400 && a.status < 500, "%s: %d", address, a.status)
			}
		}},
	}
}
