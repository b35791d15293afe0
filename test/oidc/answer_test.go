package oidc

import (
	"net/http"
	"regexp"
	"strings"
)

const markup = `"'><script>alert(1)</script>`

// answerChecks hold what comes back to the client by the browser.
func answerChecks() []check {
	return []check{
		{"state-same", "RFC 6749 section 4.1.2", func(p *probe) {
			b := p.signedIn()
			for _, state := range []string{"plain", "a b+c&d=e%20#/?", "été ✓", markup, strings.Repeat("x", 1500)} {
				end := p.signIn(b, p.newAsk(p.A, "state", state))
				p.want(end.Get("state") == state, "%q came back as %q", state, end.Get("state"))
			}
		}},
		{"state-absent", "RFC 6749 section 4.1.2", func(p *probe) {
			end := p.signIn(p.browser(), p.newAsk(p.A, "state", "-"))
			p.want(!end.Has("state"), "state %q", end.Get("state"))
		}},
		{"state-lines", "RFC 9112 section 11.1", func(p *probe) {
			end := p.signIn(p.signedIn(), p.newAsk(p.A, "state", "a\r\nSet-Cookie: evil=1\r\n\r\nx"))
			p.want(!strings.Contains(strings.Join(end.last.header.Values("Set-Cookie"), ";"), "evil=1"), "a header came in")
		}},
		{"state-in-errors", "RFC 6749 section 4.1.2.1", func(p *probe) {
			end := p.fails(p.browser(), p.newAsk(p.A, "state", "s-1", "prompt", "none"))
			p.want(end.Get("state") == "s-1", "state %q", end.Get("state"))
		}},
		{"iss", "RFC 9207 section 2", func(p *probe) {
			end := p.signIn(p.browser(), p.newAsk(p.A))
			p.want(end.Get("iss") == p.Issuer, "iss %q", end.Get("iss"))
		}},
		{"iss-in-errors", "RFC 9207 section 2", func(p *probe) {
			end := p.fails(p.browser(), p.newAsk(p.A, "prompt", "none"))
			p.want(end.Get("iss") == p.Issuer, "iss %q", end.Get("iss"))
		}},
		{"redirect-second", "OpenID Connect Core 1.0 section 3.1.2.5", func(p *probe) {
			end := p.signIn(p.browser(), p.newAsk(p.A, "redirect_uri", p.A.Redirects[1]))
			p.want(strings.HasPrefix(end.at.String(), p.A.Redirects[1]+"?"), "sent to %s", end.at)
		}},
		{"code-random", "RFC 6749 section 10.10", func(p *probe) {
			b := p.signedIn()
			first, second := p.signIn(b, p.newAsk(p.A)).code(), p.signIn(b, p.newAsk(p.A)).code()
			p.want(len(first) >= 22 && first != second, "%q, %q", first, second)
		}},
		{"error-signs", "RFC 6749 section 4.1.2.1", func(p *probe) {
			allowed := regexp.MustCompile(`^[\x20-\x21\x23-\x5B\x5D-\x7E]*$`)
			for _, pairs := range [][]string{{"response_type", markup}, {"scope", markup}, {"prompt", "none\n" + markup}, {"response_mode", markup}, {"code_challenge_method", "é\"\\"}, {"max_age", markup}} {
				end := p.browser().walk(p.link(p.newAsk(p.A, append([]string{"state", "s"}, pairs...)...)))
				for _, name := range []string{"error", "error_description"} {
					p.want(allowed.MatchString(end.Get(name)), "%s %q", name, end.Get(name))
				}
			}
		}},
		{"redirect-status", "RFC 9700 section 4.12", func(p *probe) {
			b := p.browser()
			p.signIn(b, p.newAsk(p.A))
			p.want(!b.again, "a password's form is sent on (307)")
		}},
		{"form-post", "OAuth 2.0 Form Post Response Mode section 2", func(p *probe) {
			a := p.newAsk(p.A, "response_mode", "form_post", "state", markup)
			end := p.signIn(p.browser(), a)
			p.want(end.form && end.at.String() == p.A.Redirects[0] && end.Get("state") == markup && end.Get("iss") == p.Issuer, "%v to %s", end.Values, end.at)
			p.want(!strings.Contains(end.last.body, "<script>alert"), "state is not escaped")
			p.want(strings.Contains(end.last.header.Get("Cache-Control"), "no-store"), "the page may be kept")
			t := p.call("token_endpoint", p.A, exchange(a, end.code()))
			p.want(t.status == http.StatusOK, "its code: %d", t.status)
		}},
		{"form-post-errors", "OAuth 2.0 Form Post Response Mode section 2", func(p *probe) {
			end := p.fails(p.browser(), p.newAsk(p.A, "response_mode", "form_post", "prompt", "none"), "login_required", "interaction_required")
			p.want(end.form, "not by a form")
		}},
	}
}

// pageChecks hold what the provider's own pages are.
func pageChecks() []check {
	return []check{
		{"xss-errors", "RFC 9700 section 4.16, OWASP", func(p *probe) {
			for _, name := range []string{"client_id", "redirect_uri", "state", "scope", "response_type", "nonce", "request_uri"} {
				end := p.browser().walk(p.link(p.newAsk(p.A, "redirect_uri", "https://evil.test/", name, markup)))
				p.want(!strings.Contains(end.last.body, "<script>alert"), "%s stands in the page", name)
			}
		}},
		{"xss-login", "OWASP", func(p *probe) {
			b := p.browser()
			b.walk(p.link(p.newAsk(p.A, "login_hint", markup, "ui_locales", markup, "state", markup)))
			for _, page := range b.seen {
				p.want(!strings.Contains(page.body, "<script>alert"), "it stands in %s", page.address.Path)
			}
		}},
		{"pages-framed", "RFC 9700 section 4.16", func(p *probe) {
			b := p.browser()
			p.signIn(b, p.newAsk(p.A))
			for _, page := range b.seen {
				policy := page.header.Get("Content-Security-Policy")
				p.want(strings.Contains(policy, "frame-ancestors") || page.header.Get("X-Frame-Options") != "", "%s may be framed", page.address.Path)
			}
		}},
		{"pages-kept", "RFC 9700 section 4.2, OWASP ASVS 4.0 section 8.2.1", func(p *probe) {
			b := p.browser()
			p.signIn(b, p.newAsk(p.A))
			for _, page := range b.seen {
				p.want(strings.Contains(page.header.Get("Cache-Control"), "no-store"), "%s may be kept", page.address.Path)
			}
		}},
		{"pages-referrer", "RFC 9700 section 4.2.4", func(p *probe) {
			b := p.browser()
			p.signIn(b, p.newAsk(p.A))
			for _, page := range b.seen {
				policy := page.header.Get("Referrer-Policy")
				p.want(policy == "no-referrer" || policy == "same-origin" || policy == "origin" || strings.HasPrefix(policy, "strict-origin") || strings.Contains(page.body, `name="referrer"`), "%s: %q", page.address.Path, policy)
			}
		}},
		{"pages-foreign", "RFC 9700 section 4.2.4", func(p *probe) {
			b := p.browser()
			p.signIn(b, p.newAsk(p.A))
			foreign := regexp.MustCompile(`(?i)(src|href)\s*=\s*["']?(https?:)?//`)
			for _, page := range b.seen {
				for _, found := range foreign.FindAllString(page.body, -1) {
					p.want(strings.Contains(page.body, found+strings.TrimPrefix(p.Issuer, "http://")), "%s loads from elsewhere", page.address.Path)
				}
			}
		}},
		{"cookies", "RFC 6265bis section 8, OWASP ASVS 4.0 section 3.4", func(p *probe) {
			b := p.browser()
			p.signIn(b, p.newAsk(p.A))
			p.want(len(b.sets) > 0, "no cookies")
			for _, c := range b.sets {
				p.want(c.HttpOnly && (c.SameSite == http.SameSiteLaxMode || c.SameSite == http.SameSiteStrictMode), "%s: HttpOnly %v, SameSite %v", c.Name, c.HttpOnly, c.SameSite)
				p.want(c.Secure || !strings.HasPrefix(p.Issuer, "https:"), "%s goes over plain http", c.Name)
				p.want(c.Domain == "", "%s is for all of %s", c.Name, c.Domain)
			}
		}},
		{"authorize-cors", "RFC 9700 section 2.6", func(p *probe) {
			r := p.request(http.MethodGet, p.link(p.newAsk(p.A, "prompt", "none")), nil)
			r.Header.Set("Origin", "https://evil.test")
			a := p.do(program(), r)
			p.want(a.header.Get("Access-Control-Allow-Origin") == "", "%q", a.header.Get("Access-Control-Allow-Origin"))
		}},
		{"login-csrf", "OWASP ASVS 4.0 section 4.2.2", loginCSRF},
	}
}

// loginCSRF holds that another site cannot send somebody's browser a name and a password.
func loginCSRF(p *probe) {
	b := p.browser()
	a := p.begin(b, p.newAsk(p.A))
	address := p.link(p.newAsk(p.A))
	for steps := 0; a.to != nil && b.ours(a.to) && steps < 5; steps++ {
		address = a.to.String()
		a = b.get(address)
	}
	r, err := http.NewRequestWithContext(p.ctx, http.MethodGet, address, nil)
	if err != nil {
		p.fatalf("%v", err)
	}
	next, _, _ := b.read(page{a, r.URL})
	if next == nil {
		p.fatalf("no form at %s", address)
	}
	// No cookie of this flow, as a browser has none for another site's form.
	next.Header.Set("Origin", "https://evil.test")
	next.Header.Set("Sec-Fetch-Site", "cross-site")
	other := p.browser()
	got := other.send(next)
	p.want(got.status >= 400 || (got.to != nil && got.to.Query().Get("code") == ""), "a sign-in from another site is taken: %d", got.status)
}
