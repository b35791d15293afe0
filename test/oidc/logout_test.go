package oidc

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ending is the address that ends a session.
func (p *probe) ending(pairs ...string) string {
	return p.at("end_session_endpoint") + "?" + form(pairs...).Encode()
}

// gone says whether a browser is signed out.
func (p *probe) gone(b *browser) bool {
	end := b.walk(p.link(p.newAsk(p.A, "prompt", "none")))
	return end.code() == ""
}

func endChecks() []check {
	return []check{
		{"end", "RP-Initiated Logout 1.0 section 3", func(p *probe) {
			b := p.browser()
			t := p.enter(b, p.A)
			end := b.walk(p.ending("id_token_hint", t.ID, "post_logout_redirect_uri", p.A.PostLogout, "state", "s 1"))
			p.want(end.at != nil && strings.HasPrefix(end.at.String(), p.A.PostLogout) && end.Get("state") == "s 1", "sent to %v", end.at)
			p.want(p.gone(b), "still signed in")
		}},
		{"end-post", "RP-Initiated Logout 1.0 section 2", func(p *probe) {
			b := p.browser()
			t := p.enter(b, p.A)
			a := b.send(p.request(http.MethodPost, p.at("end_session_endpoint"), form("id_token_hint", t.ID, "post_logout_redirect_uri", p.A.PostLogout)))
			if a.to != nil && b.ours(a.to) {
				b.walk(a.to.String())
			} else if a.status == http.StatusOK {
				b.finish(page{a, mustURL(p, p.at("end_session_endpoint"))})
			}
			p.want(p.gone(b), "still signed in")
		}},
		{"end-foreign", "RP-Initiated Logout 1.0 section 3", func(p *probe) {
			b := p.browser()
			t := p.enter(b, p.A)
			for _, bad := range []string{"https://evil.test/bye", p.A.PostLogout + "/", p.A.PostLogout + "?x=1", p.B.PostLogout, "javascript:alert(1)"} {
				end := b.walk(p.ending("id_token_hint", t.ID, "post_logout_redirect_uri", bad))
				p.want(end.at == nil, "sent to %s", end.at)
			}
		}},
		{"end-foreign-nobody", "RP-Initiated Logout 1.0 section 3", func(p *probe) {
			for _, pairs := range [][]string{{"post_logout_redirect_uri", "https://evil.test/"}, {"client_id", "nobody", "post_logout_redirect_uri", "https://evil.test/"}, {"client_id", p.A.ID, "post_logout_redirect_uri", "https://evil.test/"}} {
				end := p.browser().walk(p.ending(pairs...))
				p.want(end.at == nil, "sent to %s", end.at)
			}
		}},
		{"end-asks", "RP-Initiated Logout 1.0 section 6", func(p *probe) {
			b := p.signedIn()
			for _, pairs := range [][]string{{}, {"client_id", p.A.ID}, {"client_id", p.A.ID, "post_logout_redirect_uri", p.A.PostLogout}} {
				a := b.get(p.ending(pairs...))
				for steps := 0; a.to != nil && b.ours(a.to) && steps < 3; steps++ {
					a = b.get(a.to.String())
				}
				p.want(a.status < 500, "status %d", a.status)
			}
			p.want(!p.gone(b), "any page's picture signs people out")
		}},
		{"end-forged", "RP-Initiated Logout 1.0 section 4", func(p *probe) {
			b := p.signedIn()
			forged := unsigned(map[string]any{"iss": p.Issuer, "aud": p.A.ID, "sub": "x", "exp": 9999999999})
			for _, hint := range []string{"nonsense", forged} {
				a := b.get(p.ending("id_token_hint", hint, "post_logout_redirect_uri", p.A.PostLogout))
				p.want(a.status >= 400 || (a.to != nil && b.ours(a.to)), "status %d", a.status)
			}
			p.want(!p.gone(b), "signed out by a forgery")
		}},
		{"end-two-clients", "RP-Initiated Logout 1.0 section 2", func(p *probe) {
			b := p.browser()
			t := p.enter(b, p.A)
			end := b.walk(p.ending("id_token_hint", t.ID, "client_id", p.B.ID, "post_logout_redirect_uri", p.B.PostLogout))
			p.want(end.at == nil && end.last.status >= 400, "%d to %v", end.last.status, end.at)
		}},
		{"end-xss", "OWASP", func(p *probe) {
			b := p.signedIn()
			for _, name := range []string{"state", "client_id", "post_logout_redirect_uri", "id_token_hint", "ui_locales"} {
				a := b.get(p.ending("client_id", p.A.ID, name, markup))
				for steps := 0; a.to != nil && b.ours(a.to) && steps < 3; steps++ {
					a = b.get(a.to.String())
				}
				p.want(!strings.Contains(a.body, "<script>alert"), "%s stands in the page", name)
			}
		}},
		{"end-tokens", "RFC 9700 section 4.14, OWASP ASVS 4.0 section 3.3.1", func(p *probe) {
			b := p.browser()
			t := p.enter(b, p.A)
			b.walk(p.ending("id_token_hint", t.ID, "post_logout_redirect_uri", p.A.PostLogout))
			p.want(!p.alive(t.Access), "its access token still holds")
		}},
		{"back-channel", "Back-Channel Logout 1.0 sections 2.4 and 2.5", backChannel},
	}
}

func mustURL(p *probe, address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil {
		p.fatalf("%v", err)
	}
	return u
}

// finish fills in what a page wants, and goes on from there.
func (b *browser) finish(from page) {
	next, _, _ := b.read(from)
	if next == nil {
		return
	}
	if a := b.send(next); a.to != nil && b.ours(a.to) {
		b.walk(a.to.String())
	}
}

// backChannel holds what a client is told of a sign-out.
func backChannel(p *probe) {
	if p.Listen == "" {
		return
	}
	for len(p.told) > 0 {
		<-p.told
	}
	b := p.browser()
	t := p.enter(b, p.A)
	id := p.claims(t.ID)
	b.walk(p.ending("id_token_hint", t.ID, "post_logout_redirect_uri", p.A.PostLogout))
	var raw string
	for raw == "" {
		select {
		case said := <-p.told:
			method, rest, _ := strings.Cut(said, " ")
			kind, token, _ := strings.Cut(rest, " ")
			p.want(method == http.MethodPost && kind == "application/x-www-form-urlencoded", "%s %s", method, kind)
			if p.claims(token)["sid"] == id["sid"] { // others end their sessions too
				raw = token
			}
		case <-time.After(20 * time.Second):
			p.fatalf("A was not told")
		}
	}
	c := p.claims(raw)
	events, _ := c["events"].(map[string]any)
	event, isObject := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
	iat, whole1 := whole(c["iat"])
	p.want(c["iss"] == p.Issuer && audience(c["aud"])[0] == p.A.ID && len(audience(c["aud"])) == 1, "iss %v, aud %v", c["iss"], c["aud"])
	p.want(isObject && len(event) == 0, "events %v", c["events"])
	p.want(whole1 && time.Now().Unix()-iat < 60 && c["jti"] != nil && c["nonce"] == nil, "iat %v, jti %v, nonce %v", c["iat"], c["jti"], c["nonce"])
	p.want(c["sub"] == id["sub"], "sub %v", c["sub"])
	exp, whole2 := whole(c["exp"])
	p.want(whole2 && exp > iat && exp-iat <= 600, "exp %v", c["exp"])
	header, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil {
		p.fatalf("%v", err)
	}
	p.want(header.Signatures[0].Header.ExtraHeaders["typ"] == "logout+jwt", "typ %v", header.Signatures[0].Header.ExtraHeaders["typ"])
	text, err := json.Marshal(c)
	p.want(err == nil && !strings.Contains(string(text), "email"), "%s", text)
}
