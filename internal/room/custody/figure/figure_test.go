package figure

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func keepers(all ...Holder) []Share {
	shares := make([]Share, 0, len(all))
	for _, h := range all {
		shares = append(shares, Share{[]Holder{h}})
	}
	return shares
}

func TestFigures(t *testing.T) {
	three := Box{Needed: 3, Shares: keepers("a", "b", "c", "d", "e")}
	for name, tc := range map[string]struct {
		ability Ability
		want    Figure
	}{
		"nobody":              {Ability{}, Figure{}},
		"one":                 {Ability{Direct: []Holder{"a", "a", ""}}, Figure{Count: 1, Lost: []Holder{"a"}}},
		"a box":               {Ability{Boxes: []Box{three}}, Figure{Count: 3, Lost: []Holder{"a", "b", "c"}}},
		"a box and one of it": {Ability{Direct: []Holder{"e"}, Boxes: []Box{three}}, Figure{Count: 3, Lost: []Holder{"a", "b", "e"}}},
		"a box and another":   {Ability{Direct: []Holder{"z"}, Boxes: []Box{three}}, Figure{Count: 4, Lost: []Holder{"a", "b", "c", "z"}}},
		"not enough shares":   {Ability{Boxes: []Box{{Needed: 3, Shares: keepers("a", "b")}}}, Figure{}},
		"nobody dealt":        {Ability{Boxes: []Box{{Shares: keepers("a", "b")}}}, Figure{}},
		"two shares at one":   {Ability{Boxes: []Box{{Needed: 2, Shares: keepers("a", "a", "b")}}}, Figure{Count: 1, Lost: []Holder{"a"}}},
		"a node of two":       {Ability{Boxes: []Box{{Needed: 1, Shares: []Share{{[]Holder{"a", "b"}}}}}}, Figure{Count: 2, Lost: []Holder{"a", "b"}}},
		"a share of nobody":   {Ability{Boxes: []Box{{Needed: 1, Shares: []Share{{}}}}}, Figure{}},
	} {
		if diff := cmp.Diff(tc.want, Of(tc.ability)); diff != "" && (len(tc.want.Lost) > 0 || Of(tc.ability).Count > 0) {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// brute tries every set of holders there is.
func brute(a Ability) int {
	all := slices.Clone(a.Direct)
	for _, b := range a.Boxes {
		for _, s := range b.Shares {
			all = append(all, s.Keepers...)
		}
	}
	all = distinct(all)
	least := len(all)
	for set := range 1 << len(all) {
		if size := bits.OnesCount(uint(set)); size < least && !can(a, func(h Holder) bool { return set&(1<<slices.Index(all, h)) != 0 }) {
			least = size
		}
	}
	return least
}

// can says whether anybody can when some are lost, in the words of the definition.
func can(a Ability, lost func(Holder) bool) bool {
	for _, h := range a.Direct {
		if h != "" && !lost(h) {
			return true
		}
	}
	for _, b := range a.Boxes {
		left := 0
		for _, s := range b.Shares {
			if slices.ContainsFunc(s.Keepers, func(h Holder) bool { return !lost(h) }) {
				left++
			}
		}
		if b.Needed >= 1 && left >= b.Needed {
			return true
		}
	}
	return false
}

// random draws a table of at most 9 holders.
func random(draw func(below int) int) Ability {
	someone := func() Holder { return Holder(rune('a' + draw(9))) }
	var a Ability
	for range draw(4) {
		a.Direct = append(a.Direct, someone())
	}
	for range draw(4) {
		b := Box{Needed: draw(5)}
		plain := draw(2) == 0
		for i := range draw(7) {
			switch {
			case plain:
				b.Shares = append(b.Shares, Share{[]Holder{Holder(rune('a' + i))}})
			default:
				s := Share{}
				for range draw(4) {
					s.Keepers = append(s.Keepers, someone())
				}
				b.Shares = append(b.Shares, s)
			}
		}
		a.Boxes = append(a.Boxes, b)
	}
	return a
}

// TestFigureAgainstBruteForce: on 10,000 random tables the figure is what trying every set
// gives, and its set ends the ability.
func TestFigureAgainstBruteForce(t *testing.T) {
	source := rand.New(rand.NewPCG(11, 2026))
	for i := range 10_000 {
		a := random(source.IntN)
		got := Of(a)
		if want := brute(a); got.Count != want || got.AtLeast || len(got.Lost) != want {
			t.Fatalf("table %d: %+v is %+v, brute force %d", i, a, got, want)
		}
		if can(a, func(h Holder) bool { return slices.Contains(got.Lost, h) }) {
			t.Fatalf("table %d: %+v lives on without %v", i, a, got.Lost)
		}
	}
}

// TestMoreNeverHurts: one more person who can, or one more share, never lowers the figure.
func TestMoreNeverHurts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := random(func(below int) int { return rapid.IntRange(0, below-1).Draw(t, "n") })
		was := Of(a).Count
		more := a
		more.Direct = append(slices.Clone(a.Direct), Holder(rune('a'+rapid.IntRange(0, 11).Draw(t, "who"))))
		if is := Of(more).Count; is < was {
			t.Fatalf("%d, and %d with one more", was, is)
		}
		one := a.Map(func(Holder) Holder { return "the same place" })
		if places := Of(one).Count; places > 1 || was == 0 && places > 0 {
			t.Fatalf("%d people in one place are %d places", was, places)
		}
	})
}

// TestGivesUpBelow: a table that is too large to try is told as "at least", never too high.
func TestGivesUpBelow(t *testing.T) {
	var b Box
	for i := range 90 {
		b.Shares = append(b.Shares, Share{[]Holder{Holder(fmt.Sprint(i)), Holder(fmt.Sprint(i + 1))}})
	}
	b.Needed = 30
	if f := Of(Ability{Direct: []Holder{"x"}, Boxes: []Box{b}}); !f.AtLeast || f.Count > 61 || f.Count < 20 {
		t.Errorf("%+v", f)
	}
	b.Shares = b.Shares[:50]
	if f := Of(Ability{Boxes: []Box{b}}); !f.AtLeast || f.Count > 21 || f.Count < 2 {
		t.Errorf("%+v", f)
	}
}

func TestLeast(t *testing.T) {
	f, weakest := Least([]Figure{{Count: 3}, {Count: 1, Lost: []Holder{"a"}}, {Count: 1}})
	if f.Count != 1 || weakest != 1 {
		t.Errorf("%+v, %d", f, weakest)
	}
	if f, _ := Least(nil); f.Count != 0 {
		t.Errorf("no ability: %+v", f)
	}
}

// BenchmarkTwentyPeople is the worst that is tried in full: 20 people, boxes of shares that
// two reach each.
func BenchmarkTwentyPeople(b *testing.B) {
	a := Ability{}
	for k := range 3 {
		box := Box{Needed: 4}
		for i := range 20 {
			box.Shares = append(box.Shares, Share{[]Holder{Holder(fmt.Sprint(i)), Holder(fmt.Sprint((i*(k+3) + 1) % 20))}})
		}
		a.Boxes = append(a.Boxes, box)
	}
	for b.Loop() {
		Of(a)
	}
}
