package person_test

import (
	"context"
	"fmt"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

// A search minds neither case nor accents, alike on both engines.
func TestSearch(t *testing.T) {
	each(t, func(t *testing.T, s *person.Service) {
		for i, c := range []struct {
			name  string
			parts []string
		}{
			{"Émile Zoë", []string{"émile", "ÉMILE", "emile", "zoe", "ZOË", "e\u0301m", "folded0"}},
			{"Ярослав", []string{"ЯРОСЛАВ", "яро"}},
			{"Straße 100%", []string{"strasse", "STRASSE", "0%"}},
		} {
			p, err := s.Create(t.Context(), person.New{Handle: fmt.Sprint("folded", i), Name: c.name})
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range c.parts {
				if found, err := s.List(t.Context(), person.Filter{Part: part}); err != nil || len(found) != 1 || found[0].ID != p.ID {
					t.Errorf("%q finds %v, %v", part, found, err)
				}
			}
		}
	})
}

// A search goes through as many as there are, and a page of it ends where it is full.
func TestSearchBeyondAPage(t *testing.T) {
	each(t, func(t *testing.T, s *person.Service) {
		err := s.DB.Tx(t.Context(), func(ctx context.Context, q db.Querier) error {
			for i := range 1100 {
				n := person.New{Handle: fmt.Sprintf("p%04d", i)}
				if i%500 == 99 { // 99, 599, 1099
					n.Name = "Élise"
				}
				if _, err := person.Create(ctx, q, n, core.At(s.Now())); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		first, err := s.List(t.Context(), person.Filter{Part: "elise", Limit: 2})
		if err != nil || len(first) != 2 || first[1].Handle != "p0599" {
			t.Fatal(first, err)
		}
		rest, err := s.List(t.Context(), person.Filter{Part: "elise", Limit: 2, After: first[1].Handle})
		if err != nil || len(rest) != 1 || rest[0].Handle != "p1099" {
			t.Error(rest, err)
		}
	})
}
