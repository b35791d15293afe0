package oidc

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/person"
)

// Services that cannot run here are played: each does on the wire what its source says it
// does, configured with nothing but what `identity app add` prints, and keys the account as
// its source says.

// customer is what a service has of somebody who signed in. The zero value is nobody: it let
// them not in.
type customer struct {
	key  string // what it finds the account again by
	name string // the name that it gives the account
	mail string
	id   map[string]any // claims of the ID token
	raw  string         // the ID token, where it is used again
}

// software is one program as a service.
type software struct {
	template string
	source   string // where it is read what it does, and of which version
	enter    func(s *shop, b *browser) customer
	name     *regexp.Regexp // the names that it can have
	mailed   bool           // it keys accounts on mail addresses: who has none is not let in
}

func softwares() []software {
	return []software{nextcloud(), mastodon(), gotosocial(), peertube(), synapse(), gitea("gitea"), gitea("forgejo")}
}

// shop is a service at work.
type shop struct {
	*scene

	id, secret, printed string
	address             string
	back                chan string // logout tokens that came
}

// newShop adds a service by its template, and listens at its address.
func newShop(s *scene, template string) *shop {
	out := &shop{scene: s, back: make(chan string, 10)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
		out.back <- r.URL.Path + " " + r.PostFormValue("logout_token")
	}))
	s.t.Cleanup(server.Close)
	out.address = server.URL
	c, printed := s.service(template, server.URL)
	out.id, out.printed = c.ID, printed
	return out
}

// config is a value of the printed configuration.
func (s *shop) config(pattern string) string {
	found := regexp.MustCompile(pattern).FindStringSubmatch(s.printed)
	if len(found) != 2 || found[1] == "" {
		s.fatalf("%q is not in what is printed:\n%s", pattern, s.printed)
	}
	return found[1]
}

// discover reads the discovery at a printed address, or at the printed issuer.
func (s *shop) discover(address string) {
	if !strings.Contains(address, "/.well-known/") {
		address += "/.well-known/openid-configuration"
	}
	a := s.do(program(), s.request(http.MethodGet, address, nil))
	if s.meta = a.json(); a.status != http.StatusOK || s.meta.text("issuer") != s.Issuer {
		s.fatalf("discovery at %s: %d %s", address, a.status, a.body)
	}
}

// goes sends a browser to sign in, and gives what came back. Its state and, as RFC 9207 has
// it, the issuer must be right.
func (s *shop) goes(b *browser, params url.Values) arrival {
	end := b.walk(s.probe.at("authorization_endpoint") + "?" + params.Encode())
	if end.at == nil || end.code() == "" {
		s.fatalf("no code: %d at %s, %s", end.last.status, end.last.address, end.Get("error"))
	}
	there := *end.at
	there.RawQuery = ""
	s.want(there.String() == params.Get("redirect_uri"), "came back to %s", end.at)
	s.want(end.Get("state") == params.Get("state") && end.Get("iss") == s.Issuer, "state or iss is another: %v", end.Values)
	return end
}

// basic is client_secret_basic; plain ones do not encode what they join.
func (s *shop) basic(plain bool) func(r *http.Request) {
	id, secret := s.id, s.secret
	if !plain {
		id, secret = url.QueryEscape(id), url.QueryEscape(secret)
	}
	return func(r *http.Request) {
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(id+":"+secret)))
	}
}

// redeem gives a code for tokens, and verifies the ID token as all of them do but Gitea.
func (s *shop) redeem(form url.Values, auth func(r *http.Request), nonce string) (tokens answer, claims map[string]any) {
	r := s.request(http.MethodPost, s.probe.at("token_endpoint"), form)
	if auth != nil {
		auth(r)
	}
	tokens = s.do(program(), r)
	if tokens.status != http.StatusOK {
		s.fatalf("no tokens: %d %s", tokens.status, tokens.body)
	}
	claims = s.claims(tokens.field("id_token"))
	s.want(claims["iss"] == s.Issuer && claims["aud"] == s.id, "for another: %v", claims)
	s.want(nonce == "" || claims["nonce"] == nonce, "nonce is %v", claims["nonce"])
	s.want(claims["azp"] == nil || claims["azp"] == s.id, "azp is %v", claims["azp"])
	return tokens, claims
}

// about asks userinfo, whose sub must be the one of the ID token.
func (s *shop) about(tokens answer, claims map[string]any) map[string]any {
	info := s.userinfo(tokens.field("access_token")).json()
	s.want(info["sub"] == claims["sub"] && info["sub"] != "", "userinfo is about %v", info["sub"])
	return info
}

func text(claims map[string]any, name string) string {
	s, _ := claims[name].(string)
	return s
}

// run is a test at a service of one kind.
func (k software) run(t *testing.T, hold func(s *shop)) {
	h := newHoster(t)
	h.mux.HandleFunc("GET /played", h.enterAs)
	b := &battery{target: h.at, told: make(chan string, 10)}
	b.meta = (&probe{target: h.at, ctx: t.Context()}).discovery()
	for _, wrong := range b.run(t.Context(), check{k.template, k.source, func(p *probe) {
		s := &scene{hoster: h, probe: p}
		s.alice, s.bob = s.find("alice"), s.find("bob")
		hold(newShop(s, k.template))
	}}).Wrong {
		t.Errorf("%s (%s)", wrong, k.source)
	}
}

// TestServices holds that nobody gets another's account at any of them, and everybody
// their own again, whatever changes.
func TestServices(t *testing.T) {
	for _, kind := range softwares() {
		t.Run(kind.template, func(t *testing.T) {
			kind.run(t, kind.hold)
		})
	}
}

// TestServicesHearOfSignOuts holds that those which listen can tell which of their sessions
// is meant, by what was in the ID token.
func TestServicesHearOfSignOuts(t *testing.T) {
	for path, kind := range map[string]software{
		"/index.php/apps/user_oidc/backchannel-logout/entrechat": nextcloud(),
		"/_synapse/client/oidc/backchannel_logout":               synapse(),
	} {
		t.Run(kind.template, func(t *testing.T) {
			kind.run(t, func(s *shop) {
				b, other := s.as(s.alice, ""), s.as(s.alice, "")
				c := kind.enter(s, b)
				kind.enter(s, other)
				if kind.template == "nextcloud" {
					// It joins the address by hand, without encoding it.
					end := b.walk(s.probe.at("end_session_endpoint") + "?post_logout_redirect_uri=" + s.config(`--postlogouturi='([^']+)'`) + "&client_id=" + s.id + "&id_token_hint=" + c.raw)
					s.want(end.at != nil && end.at.String() == s.address+"/", "signed out, it is at %s", end.last.address)
				} else {
					b.finish(page{b.get(s.Issuer + "/sign-out"), mustURL(s.probe, s.Issuer+"/sign-out")})
				}
				s.ok(s.provider.DeliverLogouts(s.ctx))
				if len(s.back) != 1 {
					s.fatalf("it was told %d times", len(s.back))
				}
				at, raw, _ := strings.Cut(<-s.back, " ")
				said := s.claims(raw)
				s.want(at == path, "told at %s", at)
				s.want(said["iss"] == s.Issuer && said["aud"] == s.id && said["sid"] == c.id["sid"] && said["sid"] != nil && said["sub"] == c.id["sub"], "it was told %v, and knows %v", said, c.id)
				_, event := said["events"].(map[string]any)["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
				_, nonce := said["nonce"]
				s.want(event && !nonce && said["jti"] != nil && said["iat"] != nil, "it was told %v", said)
			})
		})
	}
}

// hold signs people in, changes what can change, and signs them in again.
func (k software) hold(s *shop) {
	const b = "chaton-b.test"
	// By the password, on our page.
	alice := k.enter(s, s.browser())
	s.want(alice.key != "" && alice.name == "alice" && alice.mail == "alice@chaton-a.test", "alice is %+v", alice)
	seen := map[string]string{}
	meet := func(who string, c customer) {
		if c.key == "" {
			s.want(k.mailed && c.mail == "", "%s is not let in", who)
			return
		}
		for _, what := range []string{"key " + c.key, "name " + c.name, "mail " + c.mail} {
			other, taken := seen[what]
			s.want(!taken || strings.HasSuffix(what, "mail "), "%s has the %s of %s", who, what, other)
			seen[what] = who
		}
		s.want(k.name.MatchString(c.name), "%s is called %q", who, c.name)
	}
	meet("alice", alice)
	meet("bob", k.enter(s, s.as(s.bob, "")))
	// Namesakes of other homes, and names that look alike when they are cut.
	far := "chaton-" + strings.Repeat("b", 60) + ".test"
	visitor := s.visitor(b, "v1", "alice")
	first := k.enter(s, s.as(visitor.ID, b))
	meet("alice of B", first)
	for sub, handle := range map[string]string{"v2": "a.lice", "v3": "a-lice", "v4": "a_lice", "v5": "alice.chaton"} {
		meet(handle+" of B", k.enter(s, s.as(s.visitor(b, sub, handle).ID, b)))
	}
	for sub, handle := range map[string]string{"l1": strings.Repeat("a", 30), "l2": strings.Repeat("a", 29) + "b", "l3": strings.Repeat("a", 28) + "c"} {
		meet(handle+" from far", k.enter(s, s.as(s.visitor(core.MemberID(far), sub, handle).ID, core.MemberID(far))))
	}
	// What changes with us or at home, changes nothing there.
	s.ok(s.change(s.alice, func(p *person.Person) { p.Name, p.Lang, p.Mail = "Alice B", "en", "new@chaton-a.test" }))
	again := k.enter(s, s.as(s.alice, ""))
	s.want(again.key == alice.key && again.name == alice.name && again.mail == alice.mail, "alice was %+v, is %+v", alice, again)
	_, err := s.comes(b, home.Told{Sub: "v1", Handle: "alicia", Name: "X"})
	s.ok(err)
	if again := k.enter(s, s.as(visitor.ID, b)); again.key != first.key || again.name != first.name {
		s.errorf("a visitor was %+v, is %+v", first, again)
	}
	// Who takes what she left, is not her.
	s.ok(s.mail(s.bob, "alice@chaton-a.test"))
	if c := k.enter(s, s.as(s.bob, "")); c.key == alice.key || c.name == alice.name || c.mail == alice.mail {
		s.errorf("bob is taken for alice: %+v", c)
	}
	s.leave(s.alice)
	carol, err := s.people.Create(s.ctx, person.New{Handle: "alice2", Mail: "new@chaton-a.test"})
	s.ok(err)
	meet("carol", k.enter(s, s.as(carol.ID, "")))
}
