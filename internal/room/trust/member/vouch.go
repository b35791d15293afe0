package member

import (
	"cmp"
	"slices"

	"entrechat/internal/core"
)

// MaxVouches is how many vouches of one logbook count at the same time. Nobody
// knows more hosters than that, and a member gone bad can introduce no more.
const MaxVouches = 50

// Vouch is one member designating another. The root key is part of it: a vouch
// for an origin under another key is a vouch for somebody else.
type Vouch struct {
	By    core.MemberID
	For   Address
	Since core.Moment
}

// Meetings chooses the members to mirror because of vouches: those that a
// trusted member vouches for, at most limit of them, the longest vouched for
// first so that a flood of new vouches pushes nobody out. An origin that
// trusted members vouch for under different keys is left out unless one key has
// strictly more vouches: people have to look at that.
//
// spec: docs/spec/trust.md#following
func Meetings(vouches []Vouch, trusted func(core.MemberID) bool, limit int) []Address {
	type claim struct {
		Address
		count int
		since core.Moment
	}
	claims := map[core.MemberID][]claim{}
	for _, v := range vouches {
		if v.By == v.For.Member || !trusted(v.By) {
			continue
		}
		list := claims[v.For.Member]
		i := slices.IndexFunc(list, func(c claim) bool { return c.Root == v.For.Root })
		if i < 0 {
			list, i = append(list, claim{v.For, 0, v.Since}), len(list)
		}
		list[i].count++
		list[i].since = min(list[i].since, v.Since)
		claims[v.For.Member] = list
	}
	var out []claim
	for _, list := range claims {
		slices.SortFunc(list, func(a, b claim) int { return cmp.Compare(b.count, a.count) })
		if len(list) == 1 || list[0].count > list[1].count {
			out = append(out, list[0])
		}
	}
	slices.SortFunc(out, func(a, b claim) int {
		return cmp.Or(cmp.Compare(a.since, b.since), cmp.Compare(a.Member, b.Member))
	})
	out = out[:min(limit, len(out))]
	addresses := make([]Address, 0, len(out))
	for _, c := range out {
		addresses = append(addresses, c.Address)
	}
	return addresses
}
