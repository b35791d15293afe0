package catalogue

import (
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/shard"
)

// Cost is what a shard of n bytes of data counts in a pledge.
func Cost(n int64) int64 { return shard.Charge(n + shard.HeadRoom) }

// Missing lists the indexes nobody holds. Copies are all alike: only their
// number counts.
func Missing(c shard.Code, held []Placement) []int {
	have := map[int]bool{}
	for _, p := range held {
		have[p.Index] = true
	}
	there := len(have)
	if c.K == 1 {
		there = Effective(held)
	}
	var missing []int
	for i := 0; len(missing) < c.N-there && i < shard.MaxShards; i++ {
		if !have[i] {
			missing = append(missing, i)
		}
	}
	return missing
}

// Effective is how many shards count: distinct, and in distinct domains.
func Effective(held []Placement) int { return len(Matched(held)) }

// Matched picks as many placements as can be of distinct shards in distinct domains. What
// came back after it was made again may leave two shards with one member, and one shard
// with two: losing a domain then takes one of these away, and not more.
func Matched(held []Placement) []Placement {
	lenders := make([]core.Lender, 0, len(held))
	for _, p := range held {
		lenders = append(lenders, p.Domain())
	}
	m := matching{held: held, of: map[int]int{}}
	m.domain, _ = shard.Groups(lenders)
	tried := map[int]bool{}
	for i := range held {
		if which := m.which(i); !tried[which] {
			tried[which] = true
			m.place(which, map[int]bool{})
		}
	}
	out := make([]Placement, 0, len(m.of))
	for i := range held {
		if at, ok := m.of[m.domain[i]]; ok && at == i {
			out = append(out, held[i])
		}
	}
	return out
}

// matching gives each domain one of its shards.
type matching struct {
	held   []Placement
	domain []int       // of each of held
	of     map[int]int // which of held counts in a domain
}

// which tells the shards apart: by their index, copies each from all others. Two of these
// have one index when one was made again while a member was silent, which came back.
func (m matching) which(i int) int {
	if m.held[i].IsCopy() {
		return -1 - i
	}
	return m.held[i].Index
}

// place finds a shard a domain, another shard moving to another of its own if need be.
func (m matching) place(which int, seen map[int]bool) bool {
	for i := range m.held {
		d := m.domain[i]
		if m.which(i) != which || seen[d] {
			continue
		}
		seen[d] = true
		other, taken := m.of[d]
		if !taken || m.place(m.which(other), seen) {
			m.of[d] = i
			return true
		}
	}
	return false
}

// Distinct is how many different shards are there, wherever: an object can be read from so
// many.
func Distinct(held []Placement) int {
	indexes := map[int]bool{}
	for _, p := range held {
		indexes[p.Index] = true
	}
	return len(indexes)
}

// Staying keeps the placements at members that go on lending.
func Staying(held []Placement) []Placement {
	return slices.DeleteFunc(slices.Clone(held), func(p Placement) bool { return p.Leaves })
}

// MayGive keeps the placements at members that are not known to have lost them, a pact or
// none.
func MayGive(all []Placement) []Placement {
	return slices.DeleteFunc(slices.Clone(all), func(p Placement) bool { return p.State != Stored && p.State != Left })
}

// OnlyStored keeps the placements that count.
func OnlyStored(all []Placement) []Placement {
	var out []Placement
	for _, p := range all {
		if p.State == Stored {
			out = append(out, p)
		}
	}
	return out
}
