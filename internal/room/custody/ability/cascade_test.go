package ability

import (
	"slices"
	"testing"

	"entrechat/internal/core"
)

// TestBesides: which members' loss, with ours, closes a box; a share that a person keeps
// counts for us.
func TestBesides(t *testing.T) {
	member := func(id string) Held { return Held{Member: core.MemberID(id), Good: true} }
	for name, tc := range map[string]struct {
		box  Dealt
		want [][]core.MemberID
	}{
		"2 of 3":              {Dealt{Needed: 2, Shares: []Held{member("b"), member("c"), member("d")}}, [][]core.MemberID{{"b", "c"}, {"b", "d"}, {"c", "d"}}},
		"2 of 2 and a person": {Dealt{Needed: 2, Shares: []Held{member("b"), member("c"), {Person: "p", Good: true}}}, [][]core.MemberID{{"b", "c"}}},
		"persons are enough":  {Dealt{Needed: 1, Shares: []Held{member("b"), {Person: "p", Good: true}}}, nil},
		"too few are left":    {Dealt{Needed: 2, Shares: []Held{member("b")}}, [][]core.MemberID{nil}},
		"one is not proved":   {Dealt{Needed: 1, Shares: []Held{member("b"), {Member: "c"}}}, [][]core.MemberID{{"b"}}},
		"five to lose":        {Dealt{Needed: 1, Shares: []Held{member("b"), member("c"), member("d"), member("e"), member("f")}}, nil},
	} {
		got := Facts{Boxes: []Dealt{tc.box}}.Besides()
		var lost [][]core.MemberID
		if len(got) > 0 {
			lost = got[0].Lost
		}
		if !slices.EqualFunc(lost, tc.want, slices.Equal[[]core.MemberID]) {
			t.Errorf("%s: %v, want %v", name, lost, tc.want)
		}
	}
}
