package oidc

import (
	"crypto/rand"
	"net/http"
	"strings"
)

func promptChecks() []check {
	return []check{
		{"none-nobody", "OpenID Connect Core 1.0 section 3.1.2.6", func(p *probe) {
			p.fails(p.browser(), p.newAsk(p.A, "prompt", "none"), "login_required", "interaction_required")
		}},
		{"none-somebody", "OpenID Connect Core 1.0 section 3.1.2.1", func(p *probe) {
			b := p.signedIn()
			end := p.signIn(b, p.newAsk(p.A, "prompt", "none"))
			p.want(len(end.last.body) == 0 || end.last.to != nil, "a page was shown")
		}},
		{"none-and-more", "OpenID Connect Core 1.0 section 3.1.2.1", func(p *probe) {
			p.fails(p.signedIn(), p.newAsk(p.A, "prompt", "none login"), "invalid_request")
		}},
		{"prompt-login", "OpenID Connect Core 1.0 section 3.1.2.1", func(p *probe) {
			b := p.signedIn()
			before := b.asked
			p.signIn(b, p.newAsk(p.A, "prompt", "login"))
			p.want(b.asked > before, "nobody was asked")
		}},
		{"prompt-login-stays", "OpenID Connect Core 1.0 section 3.1.2.1", loginStays},
		{"prompt-unknown", "OpenID Connect Core 1.0 section 3.1.2.1", func(p *probe) {
			end := p.browser().walk(p.link(p.newAsk(p.A, "prompt", `nonsense"'`)))
			p.want(end.last.status < 500, "status %d", end.last.status)
		}},
		{"max-age-zero", "OpenID Connect Core 1.0 section 3.1.2.1", func(p *probe) {
			b := p.signedIn()
			before := b.asked
			p.signIn(b, p.newAsk(p.A, "max_age", "0"))
			p.want(b.asked > before, "nobody was asked")
		}},
		{"max-age-kept", "OpenID Connect Core 1.0 section 3.1.2.1", func(p *probe) {
			b := p.signedIn()
			before := b.asked
			p.signIn(b, p.newAsk(p.A, "max_age", "10000"))
			p.want(b.asked == before, "somebody was asked again")
		}},
		{"max-age-huge", "OpenID Connect Core 1.0 section 3.1.2.1", func(p *probe) {
			end := p.signedIn().walk(p.link(p.newAsk(p.A, "max_age", "99999999999999999999999")))
			p.want(end.last.status < 500, "status %d", end.last.status)
		}},
		{"hint-of-another", "OpenID Connect Core 1.0 section 3.1.2.1", func(p *probe) {
			hers := p.enter(p.signedIn(), p.A)
			b := p.browser()
			b.who = p.People[1]
			p.enter(b, p.A)
			p.fails(b, p.newAsk(p.A, "prompt", "none", "id_token_hint", hers.ID), "login_required", "interaction_required")
		}},
		{"hint-forged", "OpenID Connect Core 1.0 section 3.1.2.1", func(p *probe) {
			b := p.signedIn()
			p.fails(b, p.newAsk(p.A, "prompt", "none", "id_token_hint", unsigned(map[string]any{"iss": p.Issuer, "sub": "x", "aud": p.A.ID, "exp": 9999999999})))
		}},
		{"session-new", "OWASP ASVS 4.0 section 3.2.1", func(p *probe) {
			b := p.browser()
			b.get(p.link(p.newAsk(p.A)))
			before := map[string]string{}
			for _, c := range b.sets {
				before[c.Name] = c.Value
			}
			p.enter(b, p.A)
			news := false
			for _, c := range b.sets {
				news = news || (c.Value != "" && before[c.Name] != c.Value)
			}
			p.want(news, "signing in gives no new cookie")
		}},
		{"session-bound", "RFC 9700 section 4.7, OpenID Connect Core 1.0 section 3.1.2.1", sessionBound},
		{"session-other-browser", "RFC 9700 section 4.7", func(p *probe) {
			p.enter(p.signedIn(), p.A)
			p.fails(p.browser(), p.newAsk(p.A, "prompt", "none"), "login_required", "interaction_required")
		}},
	}
}

// signedIn is a browser where somebody is signed in, and was at A.
func (p *probe) signedIn() *browser {
	b := p.browser()
	p.enter(b, p.A)
	return b
}

// loginStays holds that a forced sign-in cannot be passed by beginning another beside it.
func loginStays(p *probe) {
	b := p.signedIn()
	a := p.begin(b, p.newAsk(p.A, "prompt", "login"))
	for steps := 0; a.to != nil && steps < 3; steps++ {
		if !b.ours(a.to) {
			p.fatalf("sent to %s without a sign-in", a.to)
		}
		a = b.get(a.to.String())
	}
	p.want(a.status == http.StatusOK, "status %d", a.status)
	p.signIn(b, p.newAsk(p.A, "state", rand.Text())) // without a page
	p.want(!strings.Contains(a.body, "code="), "the page has a code")
}

// sessionBound holds that a sign-in which somebody begins is not ended by another in their own
// browser: neither gets a code for the other.
func sessionBound(p *probe) {
	attacker, victim := p.browser(), p.browser()
	ask := p.newAsk(p.A)
	a := p.begin(attacker, ask)
	if a.to == nil {
		p.fatalf("no page of sign-in to go to: %d", a.status)
	}
	end := victim.walk(a.to.String())
	p.want(end.code() == "", "the victim's browser ends the attacker's sign-in")
	// The attacker goes on where it was, without knowing a password.
	next := attacker.get(a.to.String())
	for steps := 0; next.to != nil && steps < maxSteps; steps++ {
		if !attacker.ours(next.to) {
			p.want(next.to.Query().Get("code") == "", "the attacker gets a code")
			return
		}
		next = attacker.get(next.to.String())
	}
}
