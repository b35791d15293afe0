package oidc

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
)

// ask is a request for a sign-in, and what belongs to it.
type ask struct {
	url.Values

	client   client
	verifier string
}

// newAsk is a good one, of pairs that change it: a value "-" leaves the parameter out.
func (p *probe) newAsk(c client, pairs ...string) ask {
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	a := ask{form(
		"client_id", c.ID, "redirect_uri", c.Redirects[0], "response_type", "code", "scope", "openid profile email",
		"state", rand.Text(), "nonce", rand.Text(), "code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method", "S256",
	), c, verifier}
	for name, values := range form(pairs...) {
		if a.Set(name, values[0]); values[0] == "-" {
			a.Del(name)
		}
	}
	return a
}

// link is the address that begins it.
func (p *probe) link(a ask) string { return p.at("authorization_endpoint") + "?" + a.Encode() }

// begin sends a request from a browser and looks at the first answer only.
func (p *probe) begin(b *browser, a ask) answer { return b.get(p.link(a)) }

// signIn goes all the way to the client; it must arrive.
func (p *probe) signIn(b *browser, a ask) arrival {
	end := b.walk(p.link(a))
	if end.at == nil || end.code() == "" {
		p.fatalf("no code: %d at %s, %s", end.last.status, end.last.address, end.Get("error"))
	}
	return end
}

// exchange is the form that gives a code for tokens.
func exchange(a ask, code string) url.Values {
	return form("grant_type", "authorization_code", "code", code, "redirect_uri", a.Get("redirect_uri"), "code_verifier", a.verifier)
}

// changed is a form with pairs set anew; a value "-" leaves one out.
func changed(v url.Values, pairs ...string) url.Values {
	out := maps.Clone(v)
	for i := 0; i+1 < len(pairs); i += 2 {
		if out.Set(pairs[i], pairs[i+1]); pairs[i+1] == "-" {
			out.Del(pairs[i])
		}
	}
	return out
}

// tokens are what a client gets for a code.
type tokens struct {
	answer

	ask     ask
	code    string
	Access  string
	Refresh string
	ID      string
}

// enter signs somebody in and gives the tokens; it must work.
func (p *probe) enter(b *browser, c client, pairs ...string) tokens {
	a := p.newAsk(c, pairs...)
	code := p.signIn(b, a).code()
	t := tokens{answer: p.call("token_endpoint", c, exchange(a, code)), ask: a, code: code}
	if t.status != http.StatusOK {
		p.fatalf("no tokens: %d %s", t.status, t.body)
	}
	t.Access, t.Refresh, t.ID = t.field("access_token"), t.field("refresh_token"), t.field("id_token")
	return t
}

// offline asks for a refresh token.
func offline() []string {
	return []string{"scope", "openid profile email offline_access", "prompt", "consent"}
}

// alive says whether an access token holds.
func (p *probe) alive(token string) bool { return p.userinfo(token).status == http.StatusOK }

// refused says that an answer is an error of this kind, as RFC 6749 section 5.2 writes one.
func (p *probe) refused(what string, a answer, problems ...string) {
	p.want(a.status >= 400 && a.status < 500, "%s: status %d", what, a.status)
	p.want(a.field("access_token") == "", "%s: a token", what)
	for _, want := range problems {
		if a.problem() == want {
			return
		}
	}
	p.want(len(problems) == 0, "%s: error %q", what, a.problem())
}
