package oidc

import (
	"context"
	"errors"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/person"
)

// deed is what a member promised; here all promise everything.
type deed struct{}

func (deed) May(context.Context, core.MemberID, core.GrantKind) (core.Allowance, error) {
	return core.Allowance{Grant: core.Grant{Kind: home.KindLogin}}, nil
}

func (d deed) MayEach(ctx context.Context, ids []core.MemberID, kind core.GrantKind) (map[core.MemberID]core.Allowance, error) {
	all := map[core.MemberID]core.Allowance{}
	for _, id := range ids {
		if a, err := d.May(ctx, id, kind); err == nil {
			all[id] = a
		}
	}
	return all, nil
}

func (deed) Lenders(context.Context, core.GrantKind) ([]core.Lender, error) { return nil, nil }

// homes knows members as homes; the DNS has nothing.
func (s *scene) homes() *home.Homes {
	return &home.Homes{
		DB: s.db, Self: "chaton-a.test", Trust: deed{}, Plain: true, Now: time.Now,
		Root: func(context.Context, core.MemberID) (core.RootKey, error) {
			return core.RootKey{}, core.NotFound("x", nil)
		},
		LookupTXT: func(context.Context, string) ([]string, error) { return nil, errors.New("no such name") },
	}
}

// comes lets a person of a home in.
func (s *scene) comes(from core.MemberID, told home.Told) (p person.Person, err error) {
	return s.comesAmong(from, told, 100)
}

func (s *scene) comesAmong(from core.MemberID, told home.Told, most int64) (p person.Person, err error) {
	err = s.db.Tx(s.ctx, func(ctx context.Context, q db.Querier) error {
		p, _, err = home.Coming{Home: from, Most: most, Now: core.At(time.Now())}.Admit(ctx, q, told)
		return err
	})
	return p, err
}

func (s *scene) visitor(from core.MemberID, sub, handle string) person.Person {
	p, err := s.comes(from, home.Told{Sub: sub, Handle: handle, Lang: "fr"})
	s.ok(err)
	return p
}

func visitorTakeovers() []scenario {
	const b, c = "chaton-b.test", "chaton-c.test"
	return []scenario{
		{"home/it says the sub of one of ours", func(s *scene) {
			v := s.visitor(b, string(s.alice), "alice")
			s.want(v.ID != s.alice && v.Kind == person.Visitor && v.Handle != "alice", "%+v", v)
			hers, his := s.told(s.alice, s.A), s.claims(s.enter(s.as(v.ID, b), s.A).ID)
			s.want(hers["sub"] != his["sub"] && hers["preferred_username"] != his["preferred_username"], "%v, %v", hers, his)
		}},
		{"home/it says the sub of another home's", func(s *scene) {
			one, two := s.visitor(b, "same", "alice"), s.visitor(c, "same", "alice")
			s.want(one.ID != two.ID && one.Handle != two.Handle, "%+v, %+v", one, two)
		}},
		{"home/the handle of another of its people", func(s *scene) {
			one := s.visitor(b, "one", "alice")
			two, err := s.comes(b, home.Told{Sub: "two", Handle: "alice"})
			s.want(err != nil || (two.ID != one.ID && two.Handle != one.Handle), "%+v, %+v", one, two)
		}},
		{"home/two names that shorten alike", func(s *scene) {
			one, two := s.visitor("a-b.test", "x", "alice"), s.visitor("a.b-test", "x", "alice")
			s.want(one.Handle != two.Handle && one.ID != two.ID, "%s, %s", one.Handle, two.Handle)
		}},
		{"home/handles that are none", func(s *scene) {
			for _, handle := range []string{"alice@chaton-a.test", "аlice", "a\u202eb", "../alice", "", strings.Repeat("a", 300), "alice\n", "alice chaton"} {
				p, err := s.comes(b, home.Told{Sub: "s", Handle: handle})
				s.want(err != nil, "%q is taken as %s", handle, p.Handle)
			}
			for _, sub := range []string{"", "a b", "a\n", strings.Repeat("a", 300), "é", "\x00"} {
				_, err := s.comes(b, home.Told{Sub: sub, Handle: "alice"})
				s.refuses(sub, err, "identity.home.told")
			}
		}},
		{"home/a mail address that is not its own", func(s *scene) {
			found := home.Home{Member: b, Card: home.Card{Domains: []string{"bank.test", "chaton-a.test"}}}
			for _, address := range []string{"alice@chaton-a.test", "x@bank.test", "x@evil.test", "x@chaton-b.test.evil.test", "x@evil-chaton-b.test", "x@chaton-b.testx", "x@chaton-c.test", "x@test", "x@сhaton-b.test", "x@evil.test@chaton-b.test", ""} {
				verified, err := s.homes().Mail(s.ctx, found, address)
				s.want(err != nil || !verified, "%q counts", address)
			}
			verified, err := s.homes().Mail(s.ctx, found, "x@chaton-b.test")
			s.want(err == nil && verified, "its own does not count: %v", err)
		}},
		{"home/a crowd", func(s *scene) {
			for i := range 5 {
				_, err := s.comesAmong(b, home.Told{Sub: strings.Repeat("s", i+1), Handle: "alice" + strings.Repeat("x", i)}, 3)
				if i >= 3 {
					s.refuses("one too many", err, "identity.home.too_many")
				} else {
					s.ok(err)
				}
			}
		}},
		{"visitor/asks to be an admin", func(s *scene) {
			v := s.visitor(b, "s", "alice")
			err := s.change(v.ID, func(p *person.Person) { p.Roles = []person.Role{person.Admin} })
			p, err2 := s.people.Get(s.ctx, v.ID)
			s.want(err2 == nil && !p.Is(person.Admin), "it is one: %v", err)
		}},
		{"visitor/signs in by a password here", func(s *scene) {
			v := s.visitor(b, "s", "alice")
			br := s.browser()
			br.who = somebody{v.Handle, ""}
			s.want(br.walk(s.link(s.newAsk(s.A))).code() == "", "without any")
		}},
		{"shut/who was in before", func(s *scene) {
			v := s.visitor(b, "s", "alice")
			in := s.as(v.ID, b)
			t := s.enter(in, s.A)
			s.ok(s.homes().Close(s.ctx, b, "a test", func(ctx context.Context, q db.Querier, gone home.Visitor) error {
				_, err := s.sessions.EndAll(ctx, q, gone.Person, "")
				return errors.Join(err, s.provider.EndPerson(ctx, q, gone.Person))
			}))
			s.want(s.gone(in) && !s.alive(t.Access), "still in")
			_, err := s.homes().Let(s.ctx, b, "")
			s.want(err != nil, "its people still come in")
		}},
		{"expired/a name that another took, with other keys", func(s *scene) {
			_, err := s.homes().Let(s.ctx, "gone.test", "")
			s.refuses("a name without a logbook", err, "identity.home.none")
		}},
	}
}

func moveTakeovers() []scenario {
	const b, c = "chaton-b.test", "chaton-c.test"
	repoint := func(s *scene, from, to home.Visitor) error {
		return s.db.Tx(s.ctx, func(ctx context.Context, q db.Querier) error {
			return home.Repoint(ctx, q, from, to, core.At(time.Now()))
		})
	}
	return []scenario{
		{"move/the old home speaks again", func(s *scene) {
			s.visitor(b, "old", "alice")
			s.ok(repoint(s, home.Visitor{Home: b, Sub: "old"}, home.Visitor{Home: c, Sub: "new", Handle: "alice"}))
			_, err := s.comes(b, home.Told{Sub: "old", Handle: "alice"})
			s.refuses("", err, "identity.home.moved")
		}},
		{"move/to somebody who is here already", func(s *scene) {
			s.visitor(b, "old", "alice")
			s.visitor(c, "new", "carol")
			s.refuses("", repoint(s, home.Visitor{Home: b, Sub: "old"}, home.Visitor{Home: c, Sub: "new", Handle: "carol"}), "identity.home.is_another")
		}},
		{"move/of nobody", func(s *scene) {
			s.refuses("", repoint(s, home.Visitor{Home: b, Sub: "none"}, home.Visitor{Home: c, Sub: "new", Handle: "x"}), "identity.home.no_visitor")
		}},
		{"move/a person of ours is given to a home", func(s *scene) {
			s.refuses("", repoint(s, home.Visitor{Home: "chaton-a.test", Sub: string(s.alice)}, home.Visitor{Home: c, Sub: "new", Handle: "alice"}), "identity.home.no_visitor")
		}},
		{"move/services know the person again", func(s *scene) {
			v := s.visitor(b, "old", "alice")
			before := s.claims(s.enter(s.as(v.ID, b), s.A).ID)
			s.ok(repoint(s, home.Visitor{Home: b, Sub: "old"}, home.Visitor{Home: c, Sub: "new", Handle: "alicia"}))
			p, err := s.comes(c, home.Told{Sub: "new", Handle: "alicia"})
			s.ok(err)
			after := s.claims(s.enter(s.as(p.ID, c), s.A).ID)
			s.want(before["sub"] == after["sub"] && before["preferred_username"] == after["preferred_username"], "%v, %v", before, after)
		}},
	}
}
