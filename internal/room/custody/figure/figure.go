package figure

import (
	"cmp"
	"math/bits"
	"slices"
)

// Holder is who can be lost: a person, a place, a member. The empty one is nobody.
type Holder string

// Share is one share of a box. It is lost when all its keepers are: one for a share that a
// person keeps, everybody who can reach the machine for one that a node keeps. A share
// without keepers is lost already.
type Share struct{ Keepers []Holder }

// Box is a sealed way to an ability: it opens while at least Needed of its shares are left.
// A Needed below one is a box that nobody dealt: it opens never.
type Box struct {
	Needed int
	Shares []Share
}

// Ability is one thing somebody has to be able to do, and who can: each of Direct alone, or
// enough keepers of one of Boxes together.
type Ability struct {
	Direct []Holder
	Boxes  []Box
}

// Figure is the bus factor of an ability or a service. The zero value: nobody can.
type Figure struct {
	Count int
	// AtLeast: the search was given up at Count, which is too low rather than too high.
	AtLeast bool
	// Lost is one smallest set whose loss ends the ability; empty after AtLeast.
	Lost []Holder
}

// maxTries bounds how many sets are tried; it is far more than 20 holders need.
const maxTries = 1 << 22

// Of is the figure of one ability: the size of the smallest set of holders whose loss ends
// it.
//
// Every holder of Direct is in each such set. Of a box whose shares have one keeper each,
// none of them twice, n-k+1 keepers have to be lost; those of Direct are already.
// Other boxes are tried by sets of growing size.
func Of(a Ability) Figure {
	direct := distinct(a.Direct)
	lost := make(map[Holder]bool, len(direct))
	for _, h := range direct {
		lost[h] = true
	}
	boxes := openBoxes(a.Boxes, lost)
	switch {
	case len(boxes) == 0:
		return Figure{Count: len(direct), Lost: direct}
	case len(boxes) == 1 && boxes[0].plain():
		b := boxes[0]
		all := append(direct, b.keepers()[:b.over()]...)
		slices.Sort(all)
		return Figure{Count: len(all), Lost: all}
	}
	return search(direct, boxes)
}

// Least is the figure of a service: that of its weakest ability. No ability at all is the
// zero value.
func Least(all []Figure) (f Figure, weakest int) {
	for i, one := range all {
		if i == 0 || one.Count < f.Count {
			f, weakest = one, i
		}
	}
	return f, weakest
}

// Map replaces every holder, as a person by the place where the person lives; one that
// becomes the empty holder is left out.
func (a Ability) Map(to func(Holder) Holder) Ability {
	mapped := Ability{Boxes: make([]Box, 0, len(a.Boxes))}
	mapped.Direct = replaced(a.Direct, to)
	for _, b := range a.Boxes {
		c := Box{Needed: b.Needed, Shares: make([]Share, 0, len(b.Shares))}
		for _, s := range b.Shares {
			c.Shares = append(c.Shares, Share{replaced(s.Keepers, to)})
		}
		mapped.Boxes = append(mapped.Boxes, c)
	}
	return mapped
}

func replaced(all []Holder, to func(Holder) Holder) []Holder {
	out := make([]Holder, 0, len(all))
	for _, h := range all {
		out = append(out, to(h))
	}
	return distinct(out)
}

// distinct are the holders in order, none twice, without the empty one.
func distinct(all []Holder) []Holder {
	out := slices.DeleteFunc(slices.Clone(all), func(h Holder) bool { return h == "" })
	slices.Sort(out)
	return slices.Compact(out)
}

// left is a box without the shares that are lost with lost; their keepers that are left.
func (b Box) left(lost map[Holder]bool) Box {
	c := Box{Needed: b.Needed}
	for _, s := range b.Shares {
		keep := slices.DeleteFunc(distinct(s.Keepers), func(h Holder) bool { return lost[h] })
		if len(keep) > 0 {
			c.Shares = append(c.Shares, Share{keep})
		}
	}
	return c
}

// opens says whether enough shares are there.
func (b Box) opens() bool { return b.Needed >= 1 && len(b.Shares) >= b.Needed }

// over is how many shares have to be lost for the box not to open.
func (b Box) over() int { return len(b.Shares) - b.Needed + 1 }

// plain: each share has one keeper, and none has two.
func (b Box) plain() bool {
	for _, s := range b.Shares {
		if len(s.Keepers) != 1 {
			return false
		}
	}
	return len(b.keepers()) == len(b.Shares)
}

func (b Box) keepers() []Holder {
	var all []Holder
	for _, s := range b.Shares {
		all = append(all, s.Keepers...)
	}
	return distinct(all)
}

// openBoxes are the boxes that still open when some holders are lost.
func openBoxes(boxes []Box, lost map[Holder]bool) []Box {
	var open []Box
	for _, b := range boxes {
		if c := b.left(lost); c.opens() {
			open = append(open, c)
		}
	}
	return open
}

// masked is a box whose keepers are bits.
type masked struct {
	needed int
	shares []uint64
}

func (m masked) opens(lost uint64) bool {
	left := 0
	for _, keepers := range m.shares {
		if keepers&^lost != 0 {
			left++
		}
	}
	return left >= m.needed
}

// search tries sets of growing size beside those of direct.
func search(direct []Holder, boxes []Box) Figure {
	others, masks := mask(boxes)
	if len(others) > 64 {
		return Figure{Count: len(direct) + floor(boxes), AtLeast: true}
	}
	ends := func(lost uint64) bool {
		return !slices.ContainsFunc(masks, func(m masked) bool { return m.opens(lost) })
	}
	tries := 0
	for size := floor(boxes); size <= len(others); size++ {
		if tries += binomial(len(others), size); tries > maxTries {
			return Figure{Count: len(direct) + size, AtLeast: true}
		}
		for set := range subsets(len(others), size) {
			if !ends(set) {
				continue
			}
			lost := slices.Clone(direct)
			for rest := set; rest != 0; rest &= rest - 1 {
				lost = append(lost, others[bits.TrailingZeros64(rest)])
			}
			slices.Sort(lost)
			return Figure{Count: len(lost), Lost: lost}
		}
	}
	return Figure{Count: len(direct) + len(others), Lost: append(direct, others...)}
}

// floor is a number of holders that no set can be smaller than: a box loses at most as many
// shares with one holder as that one keeps.
func floor(boxes []Box) int {
	least := 1
	for _, b := range boxes {
		kept := map[Holder]int{}
		most := 0
		for _, s := range b.Shares {
			for _, h := range s.Keepers {
				kept[h]++
				most = max(most, kept[h])
			}
		}
		least = max(least, (b.over()+most-1)/most)
	}
	return least
}

func mask(boxes []Box) (others []Holder, masks []masked) {
	for _, b := range boxes {
		others = append(others, b.keepers()...)
	}
	others = distinct(others)
	for _, b := range boxes {
		m := masked{needed: b.Needed}
		for _, s := range b.Shares {
			var keepers uint64
			for _, h := range s.Keepers {
				i, _ := slices.BinarySearchFunc(others, h, cmp.Compare[Holder])
				keepers |= 1 << i
			}
			m.shares = append(m.shares, keepers)
		}
		masks = append(masks, m)
	}
	return others, masks
}

// binomial is n over k, or more than maxTries where it is more.
func binomial(n, k int) int {
	k = min(k, n-k)
	result := 1
	for i := range k {
		result = result * (n - i) / (i + 1)
		if result > maxTries {
			return maxTries + 1
		}
	}
	return result
}

// subsets are all sets of size out of n <= 64 bits, in growing order.
func subsets(n, size int) func(yield func(uint64) bool) {
	return func(yield func(uint64) bool) {
		if size == 0 || size > n {
			if size == 0 {
				yield(0)
			}
			return
		}
		last := (^uint64(0) >> (64 - size)) << (n - size)
		for set := ^uint64(0) >> (64 - size); ; {
			if !yield(set) || set == last {
				return
			}
			// The next larger number with as many bits (Gosper).
			low := set & -set
			carry := set + low
			set = carry | ((set^carry)>>2)/low
		}
	}
}
