package person_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
)

func each(t *testing.T, fn func(t *testing.T, s *person.Service)) {
	t.Helper()
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		at := time.Unix(1_800_000_000, 0)
		fn(t, &person.Service{DB: d, Now: func() time.Time { return at }})
	})
}

func key(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return fmt.Sprint(err)
}

func create(t *testing.T, s *person.Service, n person.New) person.Person {
	t.Helper()
	p, err := s.Create(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPeople(t *testing.T) {
	each(t, func(t *testing.T, s *person.Service) {
		alice := create(t, s, person.New{Handle: "Alice", Name: "Alice Ä.", Mail: "Alice@X.test"})
		for _, text := range []string{"alice", " ALICE ", "alice@x.test"} {
			if got, err := s.Find(t.Context(), text); err != nil || got.ID != alice.ID || got.Name != "Alice Ä." || got.Choice != person.Archive {
				t.Errorf("%q: %+v, %v", text, got, err)
			}
		}
		if _, err := s.Create(t.Context(), person.New{Handle: "alice"}); key(err) != "identity.person.handle_taken" {
			t.Error(err)
		}
		if _, err := s.Create(t.Context(), person.New{Handle: "bob", Mail: "alice@x.test"}); key(err) != "identity.person.mail_taken" {
			t.Error(err)
		}
		bob := create(t, s, person.New{Handle: "bob"}) // the refused one took no handle
		if _, err := s.Change(t.Context(), bob.ID, func(p *person.Person) error { p.Mail = "ALICE@x.test"; return nil }); key(err) != "identity.person.mail_taken" {
			t.Error(err)
		}
		changed, err := s.Change(t.Context(), bob.ID, func(p *person.Person) error {
			p.Handle, p.ID, p.Name, p.Choice = "alice", alice.ID, "Bob", person.Erase
			return nil
		})
		if err != nil || changed.Handle != "bob" || changed.ID != bob.ID || changed.Choice != person.Erase {
			t.Errorf("%+v, %v", changed, err)
		}
		list, err := s.List(t.Context(), person.Filter{After: "alice", Part: "BO"})
		if err != nil || len(list) != 1 || list[0].Handle != "bob" {
			t.Errorf("%+v, %v", list, err)
		}
		if list, err := s.List(t.Context(), person.Filter{Part: "%"}); err != nil || len(list) != 0 {
			t.Errorf("a wildcard is taken for one: %v, %v", list, err)
		}
	})
}

// Who has left leaves nothing but an id and a handle, and nobody gets either.
func TestAHandleIsNeverGivenAgain(t *testing.T) {
	each(t, func(t *testing.T, s *person.Service) {
		alice := create(t, s, person.New{Handle: "alice", Name: "Alice", Mail: "a@x.test"})
		if err := s.DB.Tx(t.Context(), func(ctx context.Context, q db.Querier) error {
			_, err := person.Close(ctx, q, alice.ID, 5)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		got, err := s.Get(t.Context(), alice.ID)
		if err != nil || got.Name != "" || got.Mail != "" || got.Status != person.Closed || got.Ended != 5 {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := s.Create(t.Context(), person.New{Handle: "alice"}); key(err) != "identity.person.handle_taken" {
			t.Error(err)
		}
		if _, err := s.Change(t.Context(), alice.ID, func(p *person.Person) error { p.Status = person.Active; return nil }); key(err) != "identity.person.closed" {
			t.Error(err)
		}
		create(t, s, person.New{Handle: "alicia", Mail: "a@x.test"}) // an address may have a new owner
	})
}

func TestTheLastAdminStays(t *testing.T) {
	each(t, func(t *testing.T, s *person.Service) {
		admin := func(p *person.Person) error { p.Roles = []person.Role{person.Admin}; return nil }
		nobody := func(p *person.Person) error { p.Roles = nil; return nil }
		ana, ben := create(t, s, person.New{Handle: "ana"}), create(t, s, person.New{Handle: "ben"})
		for _, p := range []person.Person{ana, ben} {
			if _, err := s.Change(t.Context(), p.ID, admin); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Change(t.Context(), ana.ID, nobody); err != nil {
			t.Error(err)
		}
		for _, fn := range []func(p *person.Person) error{nobody, func(p *person.Person) error { p.Status = person.Suspended; return nil }} {
			if _, err := s.Change(t.Context(), ben.ID, fn); key(err) != "identity.person.last_admin" {
				t.Error(err)
			}
		}
		if got, err := s.Get(t.Context(), ben.ID); err != nil || !got.Is(person.Admin) {
			t.Errorf("a refused change was kept: %+v, %v", got, err)
		}
	})
}

func TestVisitors(t *testing.T) {
	each(t, func(t *testing.T, s *person.Service) {
		var handles []string
		for _, home := range []core.MemberID{"a-b.test", "a.b-test", "c.test"} {
			if err := s.DB.Tx(t.Context(), func(ctx context.Context, q db.Querier) error {
				p, err := person.CreateVisitor(ctx, q, "alice", home, 1)
				handles = append(handles, p.Handle)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		if fmt.Sprint(handles) != "[alice.a-b-test alice.a-b-test-2 alice.c-test]" {
			t.Error(handles)
		}
		visitor, err := s.Find(t.Context(), "alice.c-test")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Change(t.Context(), visitor.ID, func(p *person.Person) error { p.Roles = []person.Role{person.Admin}; return nil }); key(err) != "identity.person.visitor_role" {
			t.Error(err)
		}
	})
}

// Many who ask for one handle or one address at once: one gets it, the others a sentence.
func TestOneOfManyGetsAHandle(t *testing.T) {
	each(t, func(t *testing.T, s *person.Service) {
		const many = 8
		errs := make([]error, many)
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() {
				n := person.New{Handle: "alice"}
				if i%2 == 1 {
					n = person.New{Handle: fmt.Sprintf("bob%d", i), Mail: "b@x.test"}
				}
				_, errs[i] = s.Create(context.WithoutCancel(t.Context()), n)
			})
		}
		all.Wait()
		got := map[string]int{}
		for _, err := range errs {
			got[key(err)]++
		}
		if got["<nil>"] != 2 || got["identity.person.handle_taken"] != 3 || got["identity.person.mail_taken"] != 3 {
			t.Error(got)
		}
	})
}
