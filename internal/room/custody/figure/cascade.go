package figure

import "slices"

// Need is one thing a member cannot come back without: at least Needed of Holders, as the
// shares of its words or the pieces of its backups. A holder that stands twice holds two. A
// Needed below one needs nobody.
type Need struct {
	Needed  int
	Holders []Holder
}

// Node is a member, and all it needs to come back from nothing.
type Node struct {
	ID    Holder
	Needs []Need
}

// Survivors are the members that are there in the end when some are lost: those that are
// not, and those that come back with their help, and with the help of those that came back
// so. What a member held for others comes back with it. In the order of nodes.
func Survivors(nodes []Node, lost []Holder) []Holder {
	there := make(map[Holder]bool, len(nodes))
	for _, n := range nodes {
		there[n.ID] = !slices.Contains(lost, n.ID)
	}
	for again := true; again; {
		again = false
		for _, n := range nodes {
			if !there[n.ID] && n.returns(there) {
				there[n.ID], again = true, true
			}
		}
	}
	var all []Holder
	for _, n := range nodes {
		if there[n.ID] {
			all = append(all, n.ID)
		}
	}
	return all
}

func (n Node) returns(there map[Holder]bool) bool {
	for _, need := range n.Needs {
		left := 0
		for _, h := range need.Holders {
			if h != n.ID && there[h] {
				left++
			}
		}
		if left < need.Needed {
			return false
		}
	}
	return true
}

// Loss is a set of members lost together, and those of them that do not come back.
type Loss struct{ Lost, Gone []Holder }

// Fatal are the smallest losses of at most size members of which somebody does not come
// back: of two where one contains the other, only the smaller one is told, unless the larger
// loses more. It looks at n over size sets: 4,525 for three of 30.
func Fatal(nodes []Node, size int) []Loss {
	var found []Loss
	for k := 1; k <= min(size, len(nodes)); k++ {
		for set := range combinations(len(nodes), k) {
			lost := make([]Holder, 0, k)
			for _, i := range set {
				lost = append(lost, nodes[i].ID)
			}
			if gone := missing(nodes, lost); len(gone) > 0 && !told(found, lost, gone) {
				found = append(found, Loss{lost, gone})
			}
		}
	}
	return found
}

// missing are those of lost that do not come back.
func missing(nodes []Node, lost []Holder) []Holder {
	back := Survivors(nodes, lost)
	return slices.DeleteFunc(slices.Clone(lost), func(h Holder) bool { return slices.Contains(back, h) })
}

// told says whether smaller losses together say everything of this one.
func told(found []Loss, lost, gone []Holder) bool {
	inside := func(part []Holder) bool {
		return !slices.ContainsFunc(part, func(h Holder) bool { return !slices.Contains(lost, h) })
	}
	for _, h := range gone {
		if !slices.ContainsFunc(found, func(l Loss) bool { return inside(l.Lost) && slices.Contains(l.Gone, h) }) {
			return false
		}
	}
	return true
}

// combinations are all ways to take k of n, in order; the slice is used again.
func combinations(n, k int) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		set := make([]int, k)
		for i := range set {
			set[i] = i
		}
		for {
			if !yield(set) {
				return
			}
			i := k - 1
			for i >= 0 && set[i] == n-k+i {
				i--
			}
			if i < 0 {
				return
			}
			set[i]++
			for j := i + 1; j < k; j++ {
				set[j] = set[j-1] + 1
			}
		}
	}
}
