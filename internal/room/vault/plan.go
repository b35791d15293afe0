package vault

import (
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/shard"
)

// task is one shard to be sent to one lender.
type task struct {
	Index  int
	Lender core.Lender
}

// cost is what a shard of n bytes of data counts in a pledge.
func cost(n int64) int64 { return shard.Charge(n + shard.HeadRoom) }

// plan says which shards of an object are missing and who should take them. held
// are the placements that count; nobody in a domain where one of them counts gets another.
// Fewer tasks than missing shards come back when there are no more domains with room.
func plan(o Object, held []Placement, lenders []shard.Candidate) []task {
	apart := matched(held)
	missing := missingShards(o.Code, apart)
	taken := make([]core.Lender, 0, len(apart))
	for _, p := range apart {
		taken = append(taken, p.domain())
	}
	picked := shard.Place(o.ID, cost(o.Code.ShardSize(o.Sealed)), len(missing), lenders, taken)
	tasks := make([]task, 0, len(picked))
	for i, l := range picked {
		has := func(p Placement) bool { return p.Index == missing[i] && p.Member == l.ID }
		if !slices.ContainsFunc(held, has) {
			tasks = append(tasks, task{missing[i], l})
		}
	}
	return tasks
}

// missingShards lists the indexes nobody holds. Copies are all alike: only their
// number counts.
func missingShards(c shard.Code, held []Placement) []int {
	have := map[int]bool{}
	for _, p := range held {
		have[p.Index] = true
	}
	there := len(have)
	if c.K == 1 {
		there = effective(held)
	}
	var missing []int
	for i := 0; len(missing) < c.N-there && i < shard.MaxShards; i++ {
		if !have[i] {
			missing = append(missing, i)
		}
	}
	return missing
}

// effective is how many shards count: distinct, and in distinct domains.
func effective(held []Placement) int { return len(matched(held)) }

// matched picks as many placements as can be of distinct shards in distinct domains. What
// came back after it was made again may leave two shards with one member, and one shard
// with two: losing a domain then takes one of these away, and not more.
func matched(held []Placement) []Placement {
	lenders := make([]core.Lender, 0, len(held))
	for _, p := range held {
		lenders = append(lenders, p.domain())
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
	if m.held[i].copied() {
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

// distinct is how many different shards are there, wherever: an object can be read from so
// many.
func distinct(held []Placement) int {
	indexes := map[int]bool{}
	for _, p := range held {
		indexes[p.Index] = true
	}
	return len(indexes)
}

// staying keeps the placements at members that go on lending.
func staying(held []Placement) []Placement {
	return slices.DeleteFunc(slices.Clone(held), func(p Placement) bool { return p.Leaves })
}

// minRoom counts every lender in reachable, whatever its room.
const minRoom = -1 << 62

// reachable is in how many domains an object can lie: where it is held, and where
// there is room of so many bytes for it.
func reachable(held []Placement, lenders []shard.Candidate, room int64) int {
	all := make([]core.Lender, 0, len(held)+len(lenders))
	for _, p := range held {
		all = append(all, p.domain())
	}
	for _, c := range lenders {
		if c.Free >= room {
			all = append(all, c.Lender)
		}
	}
	return shard.Domains(all)
}

// mayGive keeps the placements at members that are not known to have lost them, a pact or
// none.
func mayGive(all []Placement) []Placement {
	return slices.DeleteFunc(slices.Clone(all), func(p Placement) bool { return p.State != Held && p.State != Left })
}

// onlyHeld keeps the placements that count.
func onlyHeld(all []Placement) []Placement {
	var out []Placement
	for _, p := range all {
		if p.State == Held {
			out = append(out, p)
		}
	}
	return out
}
