package oidc

import (
	"net/http"
	"strings"
	"testing"

	"entrechat/internal/app/lab/debian"
	ours "entrechat/internal/room/identity/client"
)

// The servers here are Debian's, configured with what `identity app add` prints.

// service adds a service by its template and gives it with the configuration that is printed.
func (h *hoster) service(template, address string, reads ...string) (c ours.Client, printed string) {
	h.t.Helper()
	found, err := ours.FindTemplate(template)
	h.must(err)
	c, err = found.Client("", address)
	h.must(err)
	c.Reads = reads
	c, secret, err := h.clients.Add(h.t.Context(), c)
	h.must(err)
	printed, err = h.clients.Configuration(c, secret)
	h.must(err)
	return c, printed
}

// visit opens an address of a service and signs in on the way, as a person does.
func (b *browser) visit(address string) answer {
	for range maxSteps {
		r := b.p.request(http.MethodGet, address, nil)
		r.Header.Set("Accept", "text/html")
		a := b.send(r)
		if a.to == nil {
			return a
		}
		if address = a.to.String(); b.ours(a.to) {
			end := b.walk(address)
			if end.at == nil {
				return end.last.answer
			}
			address = end.at.String()
		}
	}
	b.p.fatalf("the way never ends")
	return answer{}
}

// at is a probe of a test that may fail at once.
func (h *hoster) probe(run func(p *probe)) {
	h.t.Helper()
	b := &battery{target: h.at}
	b.meta = (&probe{target: h.at, ctx: h.t.Context()}).discovery()
	for _, wrong := range b.run(h.t.Context(), check{"", "", run}).Wrong {
		h.t.Error(wrong)
	}
}

func TestApache(t *testing.T) {
	h := newHoster(t)
	listen := debian.Port(t)
	_, printed := h.service("mod_auth_openidc", "http://"+listen)
	debian.Apache(t, listen, printed)
	h.probe(func(p *probe) {
		b := p.browser()
		a := b.visit("http://" + listen + "/")
		p.want(a.status == http.StatusOK && a.body == "inside" && a.header.Get("X-User") == "alice", "%d %q %s", a.status, a.header.Get("X-User"), a.body)
		p.want(b.asked == 1, "%d passwords", b.asked)
		bob := p.browser()
		bob.who = p.People[1]
		p.want(bob.visit("http://"+listen+"/").header.Get("X-User") == "bob", "bob is not bob")
		// A sign-out here is one there.
		b.finish(page{b.get(p.Issuer + "/sign-out"), mustURL(p, p.Issuer+"/sign-out")})
		if err := h.provider.DeliverLogouts(p.ctx); err != nil {
			p.fatalf("%v", err)
		}
		r := p.request(http.MethodGet, "http://"+listen+"/", nil)
		r.Header.Set("Accept", "text/html")
		a = b.send(r)
		p.want(a.to != nil && b.ours(a.to), "still in after signing out: %d %s", a.status, a.body)
		p.want(bob.visit("http://"+listen+"/").header.Get("X-User") == "bob", "another person was signed out")
	})
}

func TestDovecot(t *testing.T) {
	h := newHoster(t)
	listen := debian.Port(t)
	_, printed := h.service("dovecot", "http://"+listen, h.at.B.ID)
	debian.Dovecot(t, listen, printed)
	h.probe(func(p *probe) {
		token := p.enter(p.browser(), p.B).Access
		p.want(imap(p, listen, "alice", token) == "OK OK", "alice, with her token: %s", imap(p, listen, "alice", token))
		p.want(strings.HasPrefix(imap(p, listen, "bob", token), "NO"), "bob, with alice's token")
		p.want(strings.HasPrefix(imap(p, listen, "alice", "nonsense"), "NO"), "alice, with none")
		stranger := p.enter(p.browser(), p.A).Access
		p.want(strings.HasPrefix(imap(p, listen, "alice", stranger), "NO"), "with the token of a service that is not the mail's")
		p.call("revocation_endpoint", p.B, form("token", token))
		p.want(strings.HasPrefix(imap(p, listen, "alice", token), "NO"), "with a token that was taken back")
	})
}

// imap is what a mail server answers to an access token.
func imap(p *probe, address, user, token string) string {
	got, err := debian.IMAP(p.ctx, address, user, token)
	if err != nil {
		p.fatalf("%v", err)
	}
	return got
}
