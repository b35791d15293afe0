package shard

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
)

func candidate(i int, free int64) Candidate {
	return Candidate{Lender: core.Lender{ID: core.MemberID(fmt.Sprintf("m%02d.test", i))}, Free: free}
}

func object(i int) Hash { return ObjectID(fmt.Appendf(nil, "object %d", i)) }

// A new lender takes about its share of the places, each from one other, and
// nothing else moves.
func TestPlaceMovesFewWhenALenderJoins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count, n := rapid.IntRange(6, 20).Draw(t, "lenders"), rapid.IntRange(1, 6).Draw(t, "n")
		var lenders []Candidate
		for i := range count {
			lenders = append(lenders, candidate(i, rapid.Int64Range(1, 100).Draw(t, "free")))
		}
		more := append(slices.Clone(lenders), candidate(99, 50))
		const objects = 20
		for i := range objects {
			before, after := Place(object(i), 1, n, lenders, nil), Place(object(i), 1, n, more, nil)
			lost := slices.DeleteFunc(before, func(l core.Lender) bool { return has(after, l.ID) })
			if len(lost) > 1 || len(lost) == 1 && !has(after, "m99.test") {
				t.Fatalf("object %d lost %v", i, lost)
			}
		}
	})
}

func has(lenders []core.Lender, id core.MemberID) bool {
	return slices.ContainsFunc(lenders, func(l core.Lender) bool { return l.ID == id })
}

func TestPlaceFollowsTheFreeRoom(t *testing.T) {
	lenders := []Candidate{candidate(0, 100), candidate(1, 200), candidate(2, 300), candidate(3, 400)}
	got, objects := map[core.MemberID]int{}, 4000
	for i := range objects {
		got[Place(object(i), 1, 1, lenders, nil)[0].ID]++
	}
	for _, l := range lenders {
		want := objects * int(l.Free) / 1000
		if n := got[l.ID]; n < want*8/10 || n > want*12/10 {
			t.Errorf("%s is first for %d objects, want about %d", l.ID, n, want)
		}
	}
}

func TestPlaceOncePerDomain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []core.Lender
		var candidates []Candidate
		for i := range rapid.IntRange(0, 12).Draw(t, "lenders") {
			c := candidate(i, rapid.Int64Range(0, 3).Draw(t, "free"))
			c.Site = rapid.SampledFrom([]string{"", "paris", "Paris ", "lyon", "lille"}).Draw(t, "site")
			c.Admin = rapid.SampledFrom([]string{"", "ana", "bo", "chan"}).Draw(t, "admin")
			candidates = append(candidates, c)
			if c.Free >= 2 {
				all = append(all, c.Lender)
			}
		}
		var taken []core.Lender
		if len(candidates) > 0 && rapid.Bool().Draw(t, "one is taken") {
			taken = append(taken, candidates[0].Lender)
		}
		n := rapid.IntRange(0, 9).Draw(t, "n")
		picked := Place(object(rapid.Int().Draw(t, "object")), 2, n, candidates, taken)
		if len(picked) > n {
			t.Fatalf("%d picked, asked for %d", len(picked), n)
		}
		if taken == nil && len(picked) < min(n, Domains(all)) {
			t.Fatalf("%d picked of %d, though %d domains have room", len(picked), n, Domains(all))
		}
		used := append(slices.Clone(taken), picked...)
		for i, a := range used {
			for _, b := range used[:i] {
				if sameDomain(a, b) {
					t.Fatalf("%v and %v are one domain", a, b)
				}
			}
		}
	})
}

func TestDomains(t *testing.T) {
	l := func(id, site, admin string) core.Lender {
		return core.Lender{ID: core.MemberID(id), Site: site, Admin: admin}
	}
	for name, c := range map[string]struct {
		lenders []core.Lender
		want    int
	}{
		"none":              {nil, 0},
		"unlabelled":        {[]core.Lender{l("a", "", ""), l("b", "", "")}, 2},
		"the same twice":    {[]core.Lender{l("a", "", ""), l("a", "", "")}, 1},
		"one site":          {[]core.Lender{l("a", "OVH", ""), l("b", "ovh", ""), l("c", "", "")}, 2},
		"a chain":           {[]core.Lender{l("a", "x", "p"), l("c", "y", "q"), l("b", "x", "q"), l("d", "z", "")}, 2},
		"two chains joined": {[]core.Lender{l("a", "x", ""), l("b", "x", "p"), l("c", "y", ""), l("d", "y", "q"), l("e", "x", "q")}, 1},
	} {
		if got := Domains(c.lenders); got != c.want {
			t.Errorf("%s: %d domains, want %d", name, got, c.want)
		}
	}
}
