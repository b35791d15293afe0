package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	ours "entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/key"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/session"
)

// scene is a hoster where somebody tries to get at another's account.
type scene struct {
	*hoster
	*probe

	alice, bob person.ID
}

// scenario is one try. All of them must be refused.
type scenario struct {
	name string
	run  func(s *scene)
}

func TestTakeover(t *testing.T) {
	all := slices.Concat(mailTakeovers(), nameTakeovers(), browserTakeovers(), visitorTakeovers(), moveTakeovers())
	if len(all) < 25 {
		t.Errorf("%d scenarios", len(all))
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			h := newHoster(t)
			h.mux.HandleFunc("GET /played", h.enterAs)
			b := &battery{target: h.at, told: make(chan string, 10)}
			b.meta = (&probe{target: h.at, ctx: t.Context()}).discovery()
			for _, wrong := range b.run(t.Context(), check{c.name, "", func(p *probe) {
				s := &scene{hoster: h, probe: p}
				s.alice, s.bob = s.find("alice"), s.find("bob")
				c.run(s)
			}}).Wrong {
				t.Error(wrong)
			}
		})
	}
}

func (p *probe) discovery() metadata {
	return p.do(program(), p.request(http.MethodGet, p.Issuer+"/.well-known/openid-configuration", nil)).json()
}

// enterAs signs a person in without a password, as a visitor comes in from home.
func (h *hoster) enterAs(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	_, err := h.sessions.Start(w, r, session.Login{Person: person.ID(q.Get("who")), Home: core.MemberID(q.Get("home")), AMR: []string{"pwd"}})
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
	}
}

func (s *scene) find(handle string) person.ID {
	p, err := s.people.Find(s.ctx, handle)
	s.ok(err)
	return p.ID
}

func (s *scene) ok(err error) {
	if err != nil {
		s.fatalf("%v", err)
	}
}

// refuses says that something is refused, and why.
func (s *scene) refuses(what string, err error, keys ...string) {
	e, is := errors.AsType[*core.Error](err)
	s.want(is && slices.Contains(keys, e.Key), "%s: %v", what, err)
}

// as is a browser where a person is signed in.
func (s *scene) as(who person.ID, home core.MemberID) *browser {
	b := s.browser()
	a := b.get(s.Issuer + "/played?" + form("who", string(who), "home", string(home)).Encode())
	s.want(a.status == http.StatusOK, "%s cannot come in: %s", who, a.body)
	return b
}

// told is what a service is told of a person.
func (s *scene) told(who person.ID, c client) map[string]any {
	return s.claims(s.enter(s.as(who, ""), c).ID)
}

func (s *scene) change(who person.ID, fn func(p *person.Person)) error {
	_, err := s.people.Change(s.ctx, who, func(p *person.Person) error { fn(p); return nil })
	return err
}

func (s *scene) mail(who person.ID, address string) error {
	return s.change(who, func(p *person.Person) { p.Mail = address })
}

func (s *scene) leave(who person.ID) {
	s.ok(s.db.Tx(s.ctx, func(ctx context.Context, q db.Querier) error {
		_, err := person.Close(ctx, q, who, core.At(time.Now()))
		return err
	}))
}

// words is a service that reads only plain words as usernames.
func (s *scene) words() client {
	at := "https://words.test"
	c := ours.Client{ID: "words", Template: "generic", URL: at, Settings: ours.Settings{Redirects: []string{at + "/cb"}, Alg: key.RS256, PKCE: true, Names: ours.Word}}
	_, secret, err := s.clients.Add(s.ctx, c)
	s.ok(err)
	return client{ID: c.ID, Secret: secret, Redirects: [2]string{at + "/cb", at + "/cb"}}
}

func mailTakeovers() []scenario {
	const hers = "alice@chaton-a.test"
	return []scenario{
		{"mail/an address that was freed by who left", func(s *scene) {
			s.want(s.told(s.alice, s.A)["email"] == hers, "A was not told")
			s.leave(s.alice)
			s.ok(s.mail(s.bob, hers))
			s.want(s.told(s.bob, s.A)["email"] == nil, "A takes bob for alice")
		}},
		{"mail/an address that somebody changed", func(s *scene) {
			s.told(s.alice, s.A)
			s.ok(s.mail(s.alice, "new@chaton-a.test"))
			s.ok(s.mail(s.bob, hers))
			s.want(s.told(s.bob, s.A)["email"] == nil, "A takes bob for alice")
			s.want(s.told(s.alice, s.A)["email"] == hers, "A takes alice for another")
		}},
		{"mail/the address of another", func(s *scene) { s.refuses("", s.mail(s.bob, hers), "identity.person.mail_taken") }},
		{"mail/the same in other letters", func(s *scene) { s.refuses("", s.mail(s.bob, "ALICE@Chaton-A.Test"), "identity.person.mail_taken") }},
		{"mail/look-alikes", func(s *scene) {
			for _, address := range []string{"аlice@chaton-a.test", "alice@chaton-a\n.test", "alice\u200b@chaton-a.test", "ａlice@chaton-a.test", "alice@chaton-a.test, bob@evil.test", "<alice@chaton-a.test>", "alice@chaton-a.test\x00@evil.test"} {
				_, err := person.ParseMail(address)
				s.refuses(fmt.Sprintf("%q", address), err, "identity.person.mail")
			}
			for _, address := range []string{"alice@сhaton-a.test", "alice@chaton‐a.test"} {
				read, err := person.ParseMail(address)
				s.want(err != nil || read != hers, "%q is read as hers", address)
			}
		}},
		{"mail/sent under a username", func(s *scene) {
			b := s.browser()
			b.who = somebody{hers, "secret-of-bob"}
			s.want(b.walk(s.link(s.newAsk(s.A))).code() == "", "bob's password opens alice's account")
		}},
	}
}

func nameTakeovers() []scenario {
	create := func(s *scene, handle string) error {
		_, err := s.people.Create(s.ctx, person.New{Handle: handle})
		return err
	}
	return []scenario{
		{"handle/of who left", func(s *scene) {
			s.leave(s.alice)
			s.refuses("", create(s, "alice"), "identity.person.handle_taken")
		}},
		{"handle/the same in other letters", func(s *scene) {
			for _, handle := range []string{"Alice", "ALICE"} {
				s.refuses(handle, create(s, handle), "identity.person.handle_taken")
			}
		}},
		{"handle/look-alikes", func(s *scene) {
			for _, handle := range []string{"аlice", "ali\u200bce", "ａlice", "alıce", "alice\u0301", "a\u202elice", " alice", "alice ", "alice\n", "alice.", "al..ice", "ALİCE", "alice/..", "alice@chaton-a.test", "ﬁona", "𝐚lice"} {
				s.refuses(fmt.Sprintf("%q", handle), create(s, handle), "identity.person.handle", "identity.person.handle_taken")
			}
		}},
		{"handle/of an office", func(s *scene) {
			for _, handle := range []string{"root", "admin", "postmaster", "abuse", "webmaster", "hostmaster"} {
				s.refuses(handle, create(s, handle), "identity.person.handle_reserved")
			}
		}},
		{"handle/of a visitor", func(s *scene) { s.refuses("", create(s, "alice.chaton-b-test"), "identity.person.handle") }},
		{"username/two handles that a service writes alike", func(s *scene) {
			c := s.words()
			one, two := s.add("ann.e", "x"), s.add("ann_e", "x")
			first, second := s.told(one, c)["preferred_username"], s.told(two, c)["preferred_username"]
			s.want(first != nil && first != second, "%v, and %v", first, second)
			s.want(s.told(one, c)["preferred_username"] == first, "it changed")
		}},
		{"sub/of who left", func(s *scene) {
			before := s.told(s.alice, s.A)["sub"]
			s.leave(s.alice)
			p, err := s.people.Create(s.ctx, person.New{Handle: "alice2", Mail: "alice@chaton-a.test"})
			s.ok(err)
			s.want(s.told(p.ID, s.A)["sub"] != before, "the same sub")
		}},
		{"role/an account of no admin asks for one", func(s *scene) {
			s.ok(s.change(s.bob, func(p *person.Person) { p.Handle, p.Kind = "alice", person.Visitor }))
			p, err := s.people.Get(s.ctx, s.bob)
			s.want(err == nil && p.Handle == "bob" && p.Kind == person.Local, "%+v", p)
		}},
	}
}

func browserTakeovers() []scenario {
	return []scenario{
		{"fixation/a sign-in that another begins", func(s *scene) { sessionBound(s.probe) }},
		{"fixation/a sign-in sent from another site", func(s *scene) { loginCSRF(s.probe) }},
		{"fixation/a session that was planted", func(s *scene) {
			attacker := s.as(s.bob, "")
			victim := s.browser()
			u, err := url.Parse(s.Issuer)
			s.ok(err)
			victim.Jar.SetCookies(u, attacker.Jar.Cookies(u))
			hers := s.claims(s.enter(victim, s.A, "prompt", "login").ID)["sub"]
			end := attacker.walk(s.link(s.newAsk(s.A, "prompt", "none")))
			if end.code() != "" {
				s.want(s.claims(s.enter(attacker, s.A, "prompt", "none").ID)["sub"] != hers, "the attacker is alice")
			}
		}},
		{"replay/a code, eight times at once", func(s *scene) {
			f := s.goodForm()
			good := s.eight(func() answer { return s.call("token_endpoint", s.A, f) })
			s.want(good == 1, "%d times", good)
		}},
		{"replay/a session that was signed out", func(s *scene) {
			b := s.browser()
			t := s.enter(b, s.A)
			u, err := url.Parse(s.Issuer)
			s.ok(err)
			kept := b.Jar.Cookies(u)
			b.walk(s.ending("id_token_hint", t.ID))
			thief := s.browser()
			thief.Jar.SetCookies(u, kept)
			s.want(s.gone(thief) && !s.alive(t.Access), "it still opens")
		}},
		{"replay/a refresh token that was stolen", func(s *scene) {
			t := s.lasting(s.A)
			stolen := s.refresh(s.A, t.Refresh)
			s.refused("the owner, after the thief", s.refresh(s.A, t.Refresh), "invalid_grant")
			s.refused("the thief, after the owner", s.refresh(s.A, stolen.field("refresh_token")), "invalid_grant")
			s.want(!s.alive(stolen.field("access_token")), "the thief's token still holds")
		}},
		{"injection/a code of one's own into another's browser", func(s *scene) {
			bobs := s.signIn(s.as(s.bob, ""), s.newAsk(s.A)).code()
			s.refused("", s.call("token_endpoint", s.A, exchange(s.newAsk(s.A), bobs)), "invalid_grant")
		}},
		{"mix-up/a code shown to another client", func(s *scene) {
			s.refused("", s.call("token_endpoint", s.B, s.goodForm()), "invalid_grant")
			s.want(s.signIn(s.as(s.alice, ""), s.newAsk(s.A)).Get("iss") == s.Issuer, "nothing says whose code it is")
		}},
		{"mix-up/a token of one service at another", func(s *scene) {
			t := s.enter(s.as(s.alice, ""), s.A)
			s.want(slices.Equal(audience(s.claims(t.ID)["aud"]), []string{s.A.ID}), "for others too")
			s.want(s.call("introspection_endpoint", s.B, form("token", t.Access)).json()["active"] == false, "B may read A's")
		}},
		{"client/an address that is nobody's", func(s *scene) {
			for _, id := range []string{"https://evil.test", "chaton-b.test", "evil.test"} {
				s.staysHere(s.newAsk(s.A, "client_id", id, "redirect_uri", "https://evil.test/cb"))
			}
		}},
		{"suspended/what was opened before", func(s *scene) {
			b := s.as(s.alice, "")
			t := s.enter(b, s.A, offline()...)
			s.ok(s.change(s.alice, func(p *person.Person) { p.Status = person.Suspended }))
			s.want(!s.alive(t.Access), "her token holds")
			s.want(b.walk(s.link(s.newAsk(s.A))).code() == "", "her session opens")
			s.refused("refresh", s.refresh(s.A, t.Refresh), "invalid_grant")
		}},
	}
}
