package organisation_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/organisation"
	"entrechat/internal/room/identity/person"
)

func key(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return fmt.Sprint(err)
}

func TestOrganisations(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		now := func() time.Time { return time.Unix(1_800_000_000, 0) }
		s, people := &organisation.Service{DB: d, Now: now}, &person.Service{DB: d, Now: now}
		ids := map[string]person.Person{}
		for _, handle := range []string{"ana", "mia", "bob", "eve"} {
			p, err := people.Create(t.Context(), person.New{Handle: handle})
			if err != nil {
				t.Fatal(err)
			}
			ids[handle] = p
		}
		hoster, mia, bob, eve := person.Person{}, ids["mia"], ids["bob"], ids["eve"]
		for _, handle := range []string{"choir", "garden"} {
			if _, err := s.Create(t.Context(), handle, "La "+handle); err != nil {
				t.Fatal(err)
			}
		}
		steps := []struct {
			name string
			do   func() error
			want string
		}{
			{"the hoster makes a manager", func() error { return s.Join(t.Context(), hoster, "choir", mia.ID, true) }, "<nil>"},
			{"who adds people", func() error { return s.Join(t.Context(), mia, "choir", bob.ID, false) }, "<nil>"},
			{"but no managers", func() error { return s.Join(t.Context(), mia, "choir", bob.ID, true) }, "identity.organisation.not_yours"},
			{"and unmakes none by adding again", func() error { return s.Join(t.Context(), mia, "choir", mia.ID, false) }, "identity.organisation.not_yours"},
			{"nor in another organisation", func() error { return s.Join(t.Context(), mia, "garden", bob.ID, false) }, "identity.organisation.not_yours"},
			{"nobody lets themselves in", func() error { return s.Join(t.Context(), bob, "garden", bob.ID, false) }, "identity.organisation.not_yours"},
			{"or makes themselves a manager", func() error { return s.Join(t.Context(), bob, "choir", bob.ID, true) }, "identity.organisation.not_yours"},
			{"a member removes nobody", func() error { return s.Leave(t.Context(), bob, "choir", mia.ID) }, "identity.organisation.not_yours"},
			{"a stranger sees nobody", func() error { _, err := s.Members(t.Context(), eve, "choir"); return err }, "identity.organisation.not_yours"},
			{"there is no such one", func() error { return s.Join(t.Context(), hoster, "chess", bob.ID, false) }, "identity.organisation.none"},
			{"a service for one", func() error { return s.Reserve(t.Context(), "cloud", "choir") }, "<nil>"},
			{"its last one stays", func() error { return s.Remove(t.Context(), "choir") }, "identity.organisation.only_one"},
			{"a second one", func() error { return s.Reserve(t.Context(), "cloud", "garden") }, "<nil>"},
		}
		for _, step := range steps {
			if got := key(step.do()); got != step.want {
				t.Errorf("%s: %s, want %s", step.name, got, step.want)
			}
		}
		for who, want := range map[person.ID]bool{mia.ID: true, bob.ID: true, eve.ID: false} {
			if ok, err := s.Allowed(t.Context(), who, "cloud"); err != nil || ok != want {
				t.Errorf("%s: %v, %v", who, ok, err)
			}
			if ok, err := s.Allowed(t.Context(), who, "wiki"); err != nil || !ok {
				t.Errorf("a service for everybody: %v, %v", ok, err)
			}
		}
		if groups, err := s.Groups(t.Context(), bob.ID); err != nil || fmt.Sprint(groups) != "[choir]" {
			t.Error(groups, err)
		}
		if err := s.Leave(t.Context(), bob, "choir", bob.ID); err != nil {
			t.Error("one leaves by oneself:", err)
		}
		if err := s.Remove(t.Context(), "choir"); err != nil {
			t.Error(err)
		}
		if list, err := s.List(t.Context()); err != nil || len(list) != 1 || list[0].Handle != "garden" {
			t.Error(list, err)
		}
		if events, err := (&audit.Log{DB: d, Now: now}).Of(t.Context(), bob.ID, 0, 10); err != nil || len(events) != 2 || events[1].By != mia.ID {
			t.Error(events, err)
		}
		// What became of organisations stands in the log, and each of their people sees it.
		if events, err := (&audit.Log{DB: d, Now: now}).Of(t.Context(), mia.ID, 0, 10); err != nil || len(events) != 2 || events[0].About != "choir" || events[0].By != "" {
			t.Error(events, err)
		}
		for range 2 {
			if err := s.Release(t.Context(), "cloud", "garden"); err != nil {
				t.Error(err)
			}
		}
		kinds, err := db.All(t.Context(), d, db.Text, `SELECT kind || ' ' || about FROM identity_audit WHERE person = '' ORDER BY number`)
		if got := strings.Join(kinds, ", "); err != nil || got != "org_made choir, org_made garden, service_reserved cloud choir, service_reserved cloud garden, org_removed choir, service_released cloud garden" {
			t.Error(got, err)
		}
		if err := s.Join(t.Context(), hoster, "garden", eve.ID, true); err != nil {
			t.Error(err)
		}
		if in, err := s.Members(t.Context(), hoster, "garden"); err != nil || len(in) != 1 || in[0].Handle != "eve" || !in[0].Manager {
			t.Error(in, err)
		}
	})
}
