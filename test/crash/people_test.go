package crash

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"entrechat/internal/app/lab"
	"entrechat/internal/app/lab/relying"
	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/signin"
)

// What a node is killed in the middle of.
const (
	signingUp  = "sign-up"
	exchanging = "exchange of a code"
	rotating   = "rotation of keys"
)

// password is everybody's.
const password = "un cheval debout"

// people are those of one node, and a service of it.
type people struct {
	*world
	node   *lab.Node
	app    oauth2.Config
	alice  *relying.Browser // signed in
	window map[string]time.Duration
	cut    map[string]int // kills that fell into it
}

func newPeople(t *testing.T, limit time.Duration) *people {
	t.Helper()
	return newPeopleOn(t, limit, func(*world, *lab.Node) {})
}

// newPeopleOn is newPeople on a disk that is prepared before anything is written.
func newPeopleOn(t *testing.T, limit time.Duration, prepare func(*world, *lab.Node)) *people {
	t.Helper()
	p := &people{world: newWorld(t, 1, limit)}
	p.node = p.nodes[0]
	prepare(p.world, p.node)
	p.found(func(*lab.Node) {})
	back := httptest.NewServer(http.NotFoundHandler()) // only the address is looked at
	t.Cleanup(back.Close)
	var added struct {
		Name   string `json:"name"`
		Secret string `json:"secret"`
	}
	p.must(p.node.RunJSON(p.ctx, &added, "identity", "app", "add", "generic", "--name", "pad", "--url", back.URL, "--redirect", back.URL+"/cb"))
	p.app = oauth2.Config{
		ClientID: added.Name, ClientSecret: added.Secret, RedirectURL: back.URL + "/cb", Scopes: []string{oidc.ScopeOpenID},
		Endpoint: oauth2.Endpoint{AuthURL: p.node.URL() + "/oidc/authorize", TokenURL: p.node.URL() + "/oidc/token", AuthStyle: oauth2.AuthStyleInHeader},
	}
	return p
}

// account is what somebody types who makes an account.
func account(handle string) map[string]string {
	return map[string]string{"handle": handle, "password": password, "terms": "1"}
}

// invite draws a link: for somebody who makes an account, or, with a handle, for a person whom
// an admin made.
func (p *people) invite(handle string) string {
	p.t.Helper()
	if handle != "" {
		var made struct {
			Link string `json:"link"`
		}
		p.must(p.node.RunJSON(p.ctx, &made, "identity", "person", "add", handle))
		return made.Link
	}
	d, err := db.Open(p.ctx, "sqlite:"+filepath.Join(p.node.Data(), "entrechat.db"))
	p.must(err)
	defer d.Close()
	var text string
	p.must(d.Tx(p.ctx, func(ctx context.Context, q db.Querier) error {
		text, err = signin.NewInvite(ctx, q, "", core.At(time.Now()))
		return err
	}))
	return p.node.URL() + signin.InvitePath(text)
}

func (p *people) open(b *relying.Browser, address string) relying.Page {
	p.t.Helper()
	page, err := b.Open(p.ctx, address)
	p.must(err)
	return page
}

// enters says whether somebody can sign in with the password.
func (p *people) enters(b *relying.Browser, handle string) bool {
	p.t.Helper()
	page, err := b.Send(p.ctx, p.open(b, p.node.URL()+"/sign-in"), "/sign-in", map[string]string{"who": handle, "password": password})
	p.must(err)
	return page.Status == http.StatusOK && strings.HasPrefix(page.URL.Path, "/account")
}

// code has a browser that is signed in bring a code.
func (p *people) code(b *relying.Browser) (code, verifier string) {
	p.t.Helper()
	verifier = oauth2.GenerateVerifier()
	page := p.open(b, p.app.AuthCodeURL("state", oidc.Nonce("nonce"), oauth2.S256ChallengeOption(verifier)))
	if code = page.URL.Query().Get("code"); code == "" {
		p.t.Fatalf("no code: %d %s %s", page.Status, page.URL, page.Text())
	}
	return code, verifier
}

// signsIn is a whole sign-in at the service, and gives its ID token.
func (p *people) signsIn(b *relying.Browser) string {
	p.t.Helper()
	code, verifier := p.code(b)
	tokens, err := p.app.Exchange(p.ctx, code, oauth2.VerifierOption(verifier))
	p.must(err)
	raw, _ := tokens.Extra("id_token").(string)
	if _, err := p.verifier().Verify(p.ctx, raw); err != nil {
		p.t.Fatalf("the ID token: %v", err)
	}
	return raw
}

// verifier knows the keys that are published now.
func (p *people) verifier() *oidc.IDTokenVerifier {
	return oidc.NewVerifier(p.node.URL(), oidc.NewRemoteKeySet(p.ctx, p.node.URL()+"/oidc/jwks"), &oidc.Config{ClientID: p.app.ClientID})
}

// signing fails unless the keys can be read, and one of each kind signs.
func (p *people) signing() {
	p.t.Helper()
	var list []struct {
		Alg   string `json:"alg"`
		Signs bool   `json:"signs"`
	}
	p.must(p.node.RunJSON(p.ctx, &list, "identity", "key", "list"))
	signs := map[string]int{}
	for _, k := range list {
		if k.Signs {
			signs[k.Alg]++
		}
	}
	if signs["RS256"] != 1 || signs["ES256"] != 1 {
		p.t.Fatalf("keys that sign: %v", signs)
	}
}
