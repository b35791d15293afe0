package figure

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ring are six members of which each needs two of the three that follow.
func ring() []Node {
	var nodes []Node
	for i := range 6 {
		n := Node{ID: Holder(rune('a' + i))}
		need := Need{Needed: 2}
		for j := 1; j <= 3; j++ {
			need.Holders = append(need.Holders, Holder(rune('a'+(i+j)%6)))
		}
		n.Needs = []Need{need}
		nodes = append(nodes, n)
	}
	return nodes
}

func TestSurvivors(t *testing.T) {
	// a needs two of b, c, d. Without b and c, d is left: a does not come back, b does from
	// d and e, then c from d and e, and with them a in the end.
	if got := Survivors(ring(), []Holder{"a", "b", "c"}); len(got) != 6 {
		t.Errorf("a, b, c lost: %v", got)
	}
	mutual := []Node{
		{ID: "a", Needs: []Need{{1, []Holder{"b"}}}},
		{ID: "b", Needs: []Need{{1, []Holder{"a"}}}},
		{ID: "c", Needs: []Need{{1, []Holder{"a", "b"}}, {0, nil}}},
		{ID: "d", Needs: []Need{{1, []Holder{"d"}}}}, // its own share burns with it
	}
	if got := Survivors(mutual, []Holder{"a", "b"}); !slices.Equal(got, []Holder{"c", "d"}) {
		t.Errorf("a and b hold each other's: %v", got)
	}
	want := []Loss{{[]Holder{"d"}, []Holder{"d"}}, {[]Holder{"a", "b"}, []Holder{"a", "b"}}, {[]Holder{"a", "b", "c"}, []Holder{"a", "b", "c"}}}
	if diff := cmp.Diff(want, Fatal(mutual, 3)); diff != "" {
		t.Error(diff)
	}
	if got := Fatal(ring(), 3); len(got) != 0 {
		t.Errorf("any three of the ring come back: %v", got)
	}
}

// reachable says the same from the other end: who comes back in some order of recoveries,
// tried one after the other.
func reachable(nodes []Node, there map[Holder]bool) int {
	for _, n := range nodes {
		if there[n.ID] {
			continue
		}
		ok := true
		for _, need := range n.Needs {
			left := 0
			for _, h := range need.Holders {
				if there[h] && h != n.ID {
					left++
				}
			}
			ok = ok && left >= need.Needed
		}
		if ok {
			there[n.ID] = true
			return reachable(nodes, there)
		}
	}
	count := 0
	for _, n := range nodes {
		if there[n.ID] {
			count++
		}
	}
	return count
}

// TestCascadeAgainstEveryOrder: on random circles, the survivors of every pair and triple
// are those of a recovery one by one in any order.
func TestCascadeAgainstEveryOrder(t *testing.T) {
	source := rand.New(rand.NewPCG(12, 2026))
	for range 200 {
		var nodes []Node
		n := 3 + source.IntN(6)
		for i := range n {
			node := Node{ID: Holder(fmt.Sprint(i))}
			for range 1 + source.IntN(2) {
				need := Need{Needed: source.IntN(4)}
				for range source.IntN(5) {
					need.Holders = append(need.Holders, Holder(fmt.Sprint(source.IntN(n))))
				}
				node.Needs = append(node.Needs, need)
			}
			nodes = append(nodes, node)
		}
		for k := 1; k <= 3; k++ {
			for set := range combinations(n, k) {
				there := map[Holder]bool{}
				for _, node := range nodes {
					there[node.ID] = true
				}
				var lost []Holder
				for _, i := range set {
					lost = append(lost, nodes[i].ID)
					there[nodes[i].ID] = false
				}
				// In another order than Survivors goes.
				back := slices.Clone(nodes)
				slices.Reverse(back)
				if got, want := len(Survivors(nodes, lost)), reachable(back, there); got != want {
					t.Fatalf("%v lost of %v: %d are left, one by one %d", lost, nodes, got, want)
				}
			}
		}
	}
}

// BenchmarkCascade tries every pair and triple of 30 members (4,525 sets).
func BenchmarkCascade(b *testing.B) {
	source := rand.New(rand.NewPCG(13, 2026))
	var nodes []Node
	for i := range 30 {
		n := Node{ID: Holder(fmt.Sprint(i)), Needs: []Need{{Needed: 3}, {Needed: 4}}}
		for k, size := range []int{5, 6} {
			for range size {
				n.Needs[k].Holders = append(n.Needs[k].Holders, Holder(fmt.Sprint(source.IntN(30))))
			}
		}
		nodes = append(nodes, n)
	}
	for b.Loop() {
		Fatal(nodes, 3)
	}
}
