package oidc

import (
	"net/http"
	"net/url"
	"strings"
)

// redirectChecks hold that nobody is sent, with a code or with an error, to an address that
// the client has not registered, sign for sign.
func redirectChecks() []check {
	const source = "RFC 9700 sections 2.1 and 4.1.3, OpenID Connect Core 1.0 section 3.1.2.1"
	tricks := map[string]func(good string) string{
		"slash":         func(s string) string { return s + "/" },
		"query":         func(s string) string { return s + "?x=1" },
		"question-mark": func(s string) string { return s + "?" },
		"fragment":      func(s string) string { return s + "#x" },
		"longer":        func(s string) string { return s + "x" },
		"shorter":       func(s string) string { return s[:len(s)-1] },
		"encoded":       func(s string) string { return strings.Replace(s, "/cb", "/%63b", 1) },
		"dots":          func(s string) string { return s + "/../other2" },
		"encoded-dots":  func(s string) string { return s + "%2f..%2fother2" },
		"path-case":     strings.ToUpper,
		"scheme-case":   func(s string) string { return strings.Replace(s, "https:", "HTTPS:", 1) },
		"scheme":        func(s string) string { return strings.Replace(s, "https:", "http:", 1) },
		"no-scheme":     func(s string) string { return strings.TrimPrefix(s, "https:") },
		"port":          func(s string) string { return strings.Replace(s, ".test/", ".test:443/", 1) },
		"other-host":    func(string) string { return "https://evil.test/cb" },
		"subdomain":     func(s string) string { return strings.Replace(s, "https://", "https://evil.", 1) },
		"user":          func(s string) string { return strings.Replace(s, ".test/", ".test@evil.test/", 1) },
		"host-suffix":   func(s string) string { return strings.Replace(s, ".test/", ".test.evil.test/", 1) },
		"backslash":     func(s string) string { return strings.Replace(s, ".test/", ".test\\.evil.test/", 1) },
		"tab":           func(s string) string { return strings.Replace(s, ".test/", ".test\t/", 1) },
		"line":          func(s string) string { return s + "\r\nSet-Cookie: a=b" },
		"zero":          func(s string) string { return s + "\x00" },
		"script":        func(string) string { return "javascript:alert(1)" },
		"data":          func(string) string { return "data:text/html,x" },
		"empty":         func(string) string { return "" },
	}
	out := make([]check, 0, len(tricks)+2)
	for name, trick := range tricks {
		out = append(out, check{"redirect-" + name, source, func(p *probe) {
			p.staysHere(p.newAsk(p.A, "redirect_uri", trick(p.A.Redirects[0])))
		}})
	}
	return append(out,
		check{"redirect-missing", source, func(p *probe) { p.staysHere(p.newAsk(p.A, "redirect_uri", "-")) }},
		check{"redirect-of-another", source, func(p *probe) { p.staysHere(p.newAsk(p.A, "redirect_uri", p.B.Redirects[0])) }},
		check{"redirect-in-errors", "RFC 6749 section 4.1.2.1", func(p *probe) {
			p.staysHere(p.newAsk(p.A, "redirect_uri", "https://evil.test/cb", "response_type", "nonsense", "prompt", "none"))
		}},
		check{"client-unknown", "RFC 6749 section 4.1.2.1", func(p *probe) { p.staysHere(p.newAsk(p.A, "client_id", "nobody-of-this-name")) }},
		check{"client-missing", "RFC 6749 section 4.1.2.1", func(p *probe) { p.staysHere(p.newAsk(p.A, "client_id", "-")) }},
		check{"client-address", "RFC 9700 section 4.13", func(p *probe) {
			p.staysHere(p.newAsk(p.A, "client_id", "https://evil.test", "redirect_uri", "https://evil.test/cb"))
		}},
		check{"redirect-twice", "RFC 6749 section 3.1", func(p *probe) {
			a := p.newAsk(p.A)
			a.Add("redirect_uri", "https://evil.test/cb")
			p.staysHere(a)
		}},
		check{"client-twice", "RFC 6749 section 3.1", func(p *probe) {
			a := p.newAsk(p.A)
			a.Add("client_id", p.B.ID)
			p.staysHere(a)
		}},
	)
}

// staysHere says that a request, sent by a browser where somebody is signed in, leads nowhere
// but to a page of the provider.
func (p *probe) staysHere(a ask) {
	b := p.browser()
	for _, r := range []*http.Request{
		p.request(http.MethodGet, p.link(a), nil),
		p.request(http.MethodPost, p.at("authorization_endpoint"), a.Values),
	} {
		answer := b.send(r)
		for steps := 0; answer.to != nil && b.ours(answer.to) && steps < 5; steps++ {
			answer = b.get(answer.to.String())
		}
		p.want(answer.to == nil, "%s: sent to %s", r.Method, answer.to)
		p.want(answer.status >= 400 && answer.status < 500, "%s: status %d", r.Method, answer.status)
		p.want(answer.header.Get("Set-Cookie") == "" || !strings.Contains(answer.header.Get("Set-Cookie"), "a=b"), "a header came in")
		if bad := a.Get("redirect_uri"); bad != "" && answer.to == nil {
			p.want(!strings.Contains(answer.body, `href="`+bad) && !strings.Contains(answer.body, `url=`+bad), "the page leads there")
		}
	}
}

// fails says that a request ends at the client with an error, or on a page of the provider;
// in no case with a code.
func (p *probe) fails(b *browser, a ask, problems ...string) arrival {
	end := b.walk(p.link(a))
	p.want(end.code() == "" && end.Get("access_token") == "" && end.Get("id_token") == "", "something came: %v", end.Values)
	if end.at == nil {
		p.want(end.last.status >= 400 && end.last.status < 500, "status %d at %s", end.last.status, end.last.address)
		return end
	}
	if fragment, err := url.ParseQuery(end.at.Fragment); err == nil && end.Get("error") == "" {
		end.Values = fragment
		p.want(end.Get("code") == "" && end.Get("access_token") == "" && end.Get("id_token") == "", "something came: %v", fragment)
	}
	found := len(problems) == 0
	for _, want := range problems {
		found = found || end.Get("error") == want
	}
	p.want(found && end.Get("error") != "", "error %q", end.Get("error"))
	return end
}
