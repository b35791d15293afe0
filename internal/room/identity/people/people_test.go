package people_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/organisation"
	"entrechat/internal/room/identity/people"
	"entrechat/internal/room/identity/person"
)

func key(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return fmt.Sprint(err)
}

// out remembers whose sessions were ended, and who was told that they are let in.
type out struct {
	full        bool // no address can be drawn
	ended, told []person.ID
	gone        []string
}

func (o *out) invite(_ context.Context, _ db.Querier, who person.ID, _ core.Moment) (string, error) {
	if o.full {
		return "", errors.New("full")
	}
	return "https://chaton-a.test/invite/" + string(who), nil
}

func (o *out) admitted(_ context.Context, _ db.Querier, p person.Person) error {
	o.told = append(o.told, p.ID)
	return nil
}

func (o *out) forget(_ context.Context, _ db.Querier, p person.Person) error {
	o.gone = append(o.gone, p.Handle)
	return nil
}

func (o *out) end(_ context.Context, _ db.Querier, who person.ID) error {
	o.ended = append(o.ended, who)
	return nil
}

func world(d *db.DB) (*people.Service, *out) {
	now := func() time.Time { return time.Unix(1_800_000_000, 0) }
	o := &out{}
	return &people.Service{
		DB: d, People: &person.Service{DB: d, Now: now}, Organisations: &organisation.Service{DB: d, Now: now},
		Log: &audit.Log{DB: d, Now: now}, Now: now, Out: o.end, Forget: o.forget, Invite: o.invite, Admitted: o.admitted,
	}, o
}

func TestWhoMayDoWhat(t *testing.T) {
	d := dbtest.SQLite(t, "identity", migrations.Files)
	s, o := world(d)
	made := func(handle string, roles ...person.Role) person.Person {
		made, err := s.Add(t.Context(), person.Person{}, person.New{Handle: handle}, roles...)
		if err != nil {
			t.Fatal(err)
		}
		return made.Person
	}
	ana, mod, bob, eve := made("ana", person.Admin), made("mod", person.Moderator), made("bob"), made("eve")
	_, err := s.Suspend(t.Context(), person.Person{}, eve.ID)
	if err != nil {
		t.Fatal(err)
	}
	eve.Status = person.Suspended
	const no = "identity.people.not_allowed"
	for _, step := range []struct {
		name string
		do   func() error
		want string
	}{
		{"a moderator suspends somebody", func() error { _, err := s.Suspend(t.Context(), mod, bob.ID); return err }, "<nil>"},
		{"and restores them", func() error { _, err := s.Resume(t.Context(), mod, bob.ID); return err }, "<nil>"},
		{"but no admin", func() error { _, err := s.Suspend(t.Context(), mod, ana.ID); return err }, no},
		{"nor gives roles", func() error { _, err := s.SetRole(t.Context(), mod, mod.ID, person.Admin, true); return err }, no},
		{"nor makes accounts", func() error { _, err := s.Add(t.Context(), mod, person.New{Handle: "new"}); return err }, no},
		{"nor draws a link into an account", func() error { _, err := s.Link(t.Context(), mod, bob.ID); return err }, no},
		{"an admin does", func() error { _, err := s.Link(t.Context(), ana, bob.ID); return err }, "<nil>"},
		{"not into a suspended one", func() error { _, err := s.Link(t.Context(), ana, eve.ID); return err }, "identity.people.not_active"},
		{"nor closes one", func() error { _, err := s.Close(t.Context(), mod, bob.ID); return err }, no},
		{"a person suspends nobody", func() error { _, err := s.Suspend(t.Context(), bob, eve.ID); return err }, no},
		{"who is suspended does not help themselves", func() error { _, err := s.Resume(t.Context(), eve, eve.ID); return err }, no},
		{"there is nothing to accept", func() error { _, err := s.Admit(t.Context(), ana, bob.ID); return err }, "identity.people.not_waiting"},
		{"no such role", func() error { _, err := s.SetRole(t.Context(), ana, bob.ID, "king", true); return err }, "identity.people.role"},
		{"the last admin stays", func() error { _, err := s.Close(t.Context(), ana, ana.ID); return err }, "identity.person.last_admin"},
		{"a person leaves", func() error { _, err := s.Close(t.Context(), bob, bob.ID); return err }, "<nil>"},
	} {
		if got := key(step.do()); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
	}
	if !slices.Equal(o.gone, []string{"bob"}) {
		t.Error("not forgotten:", o.gone)
	}
}

// Whoever may not be signed in any more is signed out with it, and the log says who did it.
func TestWhatEndsSessions(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		s, o := world(d)
		bob, err := s.Add(t.Context(), person.Person{}, person.New{Handle: "bob", Status: person.Waiting})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Organisations.Create(t.Context(), "choir", ""); err != nil {
			t.Fatal(err)
		}
		if err := s.Organisations.Join(t.Context(), person.Person{}, "choir", bob.ID, false); err != nil {
			t.Fatal(err)
		}
		hoster := person.Person{}
		hash, err := credential.Foreign("{SSHA}" + base64.StdEncoding.EncodeToString(make([]byte, 24)))
		if err != nil {
			t.Fatal(err)
		}
		if err := credential.Put(t.Context(), d, bob.ID, hash, 1); err != nil {
			t.Fatal(err)
		}
		for _, do := range []func() error{
			func() error { _, err := s.Admit(t.Context(), hoster, bob.ID); return err },
			func() error { _, err := s.Suspend(t.Context(), hoster, bob.ID); return err },
			func() error { _, err := s.Resume(t.Context(), hoster, bob.ID); return err },
			func() error { _, err := s.Close(t.Context(), hoster, bob.ID); return err },
		} {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(o.ended, []person.ID{bob.ID, bob.ID}) { // suspended, closed
			t.Error(o.ended)
		}
		if !slices.Equal(o.told, []person.ID{bob.ID}) {
			t.Error("who waited was told:", o.told)
		}
		if _, err := s.Link(t.Context(), hoster, bob.ID); key(err) != "identity.people.not_active" {
			t.Error("a link into a closed account:", err)
		}
		if in, err := s.Organisations.Groups(t.Context(), bob.ID); err != nil || len(in) != 0 {
			t.Error("who left is still in an organisation:", in, err)
		}
		if left, err := db.One(t.Context(), d, db.Int64, `SELECT count(*) FROM identity_password`); err != nil || left != 0 {
			t.Error("who left has a password still:", left, err)
		}
		events, err := s.Log.Of(t.Context(), bob.ID, 0, 10)
		var kinds []audit.Kind
		for _, e := range events {
			kinds = append(kinds, e.Kind)
		}
		want := []audit.Kind{audit.ClosedAccount, audit.Resumed, audit.Suspended, audit.Admitted, audit.OrgChanged, audit.Invited}
		if err != nil || !slices.Equal(kinds, want) {
			t.Error(kinds, err)
		}
	})
}

// An account that is made stands once in its log, and has its address, or there is none.
func TestAnAccountIsMadeOnce(t *testing.T) {
	s, o := world(dbtest.SQLite(t, "identity", migrations.Files))
	made, err := s.Add(t.Context(), person.Person{}, person.New{Handle: "ana"}, person.Admin)
	if err != nil || made.Address == "" || !made.Is(person.Admin) {
		t.Fatalf("%+v, %v", made, err)
	}
	kinds := func(who person.ID) (all []audit.Kind) {
		t.Helper()
		events, err := s.Log.Of(t.Context(), who, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			all = append(all, e.Kind)
		}
		return all
	}
	if got := kinds(made.ID); !slices.Equal(got, []audit.Kind{audit.RoleChanged, audit.Invited}) {
		t.Error(got)
	}
	if made, err := s.Add(t.Context(), person.Person{}, person.New{Handle: "bob", Status: person.Waiting}); err != nil || made.Address != "" {
		t.Errorf("%+v, %v", made, err)
	}
	if _, err := s.Add(t.Context(), person.Person{}, person.New{Handle: "eve"}, "king"); key(err) != "identity.people.role" {
		t.Error(err)
	}
	o.full = true
	if _, err := s.Add(t.Context(), person.Person{}, person.New{Handle: "kim"}); err == nil {
		t.Error("no address, and an account")
	}
	o.full = false
	if _, err := s.Add(t.Context(), person.Person{}, person.New{Handle: "kim"}); err != nil {
		t.Error("half an account is left:", err)
	}
}
