package shard

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/zeebo/blake3"

	"entrechat/internal/core"
)

// Candidate is a lender with the room it still has for us.
type Candidate struct {
	core.Lender
	Free int64 // bytes of the pledge not yet used; also its weight
}

// sameDomain says whether one mishap can take both: the same member, the same
// site or the same administrator. An empty label is shared with nobody.
func sameDomain(a, b core.Lender) bool {
	return a.ID == b.ID || sameLabel(a.Site, b.Site) || sameLabel(a.Admin, b.Admin)
}

func sameLabel(a, b string) bool {
	a, b = strings.TrimSpace(a), strings.TrimSpace(b)
	return a != "" && strings.EqualFold(a, b)
}

// Domains counts failure domains, so that Place finds that many lenders for
// every object. Lenders linked by a chain of shared labels count once, which
// never promises more than there is.
func Domains(lenders []core.Lender) int {
	_, count := Groups(lenders)
	return count
}

// Groups gives lenders of one failure domain one number, and counts the domains.
func Groups(lenders []core.Lender) (group []int, count int) {
	group = make([]int, len(lenders))
	count = len(lenders)
	for i := range group {
		group[i] = i
		for j := range i {
			if group[i] == group[j] || !sameDomain(lenders[i], lenders[j]) {
				continue
			}
			from, to := group[i], group[j]
			for k := range group[:i+1] {
				if group[k] == from {
					group[k] = to
				}
			}
			count--
		}
	}
	return group, count
}

// Place picks up to n lenders for shards of need bytes of one object, no two in
// one failure domain and none in the domain of a lender in taken (those that hold a
// shard of the object already). Weighted rendezvous hashing: each object ranks
// the lenders by itself, a lender with twice the room comes first twice as often,
// and one that comes or goes moves nothing but its own share. The best comes
// first. Fewer than n are returned when there are no more domains with room.
//
// spec: docs/spec/shard.md#placement
func Place(object Hash, need int64, n int, candidates []Candidate, taken []core.Lender) []core.Lender {
	type ranked struct {
		core.Lender
		score float64
	}
	order := make([]ranked, 0, len(candidates))
	for _, c := range candidates {
		if c.Free > 0 && c.Free >= need {
			order = append(order, ranked{c.Lender, score(object, c)})
		}
	}
	slices.SortFunc(order, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(string(a.ID), string(b.ID)))
	})
	used, picked := slices.Clone(taken), make([]core.Lender, 0, max(n, 0))
	for _, r := range order {
		if len(picked) >= n {
			break
		}
		if slices.ContainsFunc(used, func(u core.Lender) bool { return sameDomain(u, r.Lender) }) {
			continue
		}
		used, picked = append(used, r.Lender), append(picked, r.Lender)
	}
	return picked
}

// score is -ln(u)/weight with u uniform in (0,1): the smallest of several is
// each one's with a probability proportional to its weight.
func score(object Hash, c Candidate) float64 {
	sum := blake3.Sum256(append(object[:], c.ID...))
	u := (float64(binary.BigEndian.Uint64(sum[:8])>>11) + 0.5) / (1 << 53)
	return -math.Log(u) / float64(c.Free)
}
