package grant

import (
	"cmp"
	"fmt"
	"regexp"

	"entrechat/internal/core"
)

// Bounds of what one grant may promise.
const (
	maxQuantity = 1<<53 - 1 // what JSON carries exactly
	minEvery    = 10        // seconds between looks
	maxEvery    = 86400
	maxServices = 100
)

var serviceName = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$`)

// Check returns CodeInvalid for promises nobody could keep or read: an
// unknown kind, a kind twice, quantities that do not belong to it.
func Check(grants []core.Grant) error {
	seen := map[core.GrantKind]bool{}
	for _, g := range grants {
		if seen[g.Kind] || !fits(g) {
			return core.Invalid("trust.bad_grant", fmt.Errorf("grant %.40q cannot stand like this", g.Kind)).
				With("Kind", fmt.Sprintf("%.40s", g.Kind))
		}
		seen[g.Kind] = true
	}
	return nil
}

func fits(g core.Grant) bool {
	room := g.Bytes != 0 || g.RateBits != 0
	look := g.EveryS != 0
	in := len(g.Services) != 0
	switch g.Kind {
	case core.GrantStore, core.GrantCache:
		return between(g.Bytes, 1, maxQuantity) && between(g.RateBits, 0, maxQuantity) && !look && !in
	case core.GrantWatch:
		return between(g.EveryS, minEvery, maxEvery) && !room && !in
	case core.GrantLogin:
		return servicesFit(g.Services) && !room && !look
	case core.GrantCustody, core.GrantSucceed:
		return !room && !look && !in
	}
	return false
}

func between(n, low, high int64) bool { return n >= low && n <= high }

func servicesFit(names []string) bool {
	for i, n := range names {
		if !serviceName.MatchString(n) || (i > 0 && names[i-1] >= n) {
			return false // sorted, no name twice
		}
	}
	return len(names) <= maxServices
}

// Larger picks the more generous of two promises of one kind. Promises are never
// added up: with two pacts the larger holds, so a member can always point at the
// text that promises what it uses.
//
// spec: docs/spec/trust.md#allowance
func Larger(a, b core.Grant) core.Grant {
	var order int
	switch a.Kind {
	case core.GrantStore, core.GrantCache:
		order = cmp.Or(cmp.Compare(a.Bytes, b.Bytes), cmp.Compare(unlimited(a.RateBits), unlimited(b.RateBits)))
	case core.GrantWatch:
		order = cmp.Compare(b.EveryS, a.EveryS) // looking more often is more
	case core.GrantLogin:
		order = cmp.Compare(unlimited(int64(len(a.Services))), unlimited(int64(len(b.Services))))
	case core.GrantCustody, core.GrantSucceed:
		// Nothing to compare.
	}
	if order < 0 {
		return b
	}
	return a
}

// unlimited makes "0 = no limit" the largest number.
func unlimited(n int64) int64 {
	if n == 0 {
		return maxQuantity + 1
	}
	return n
}

// Fetchable says whether the other side has something to fetch back when the
// promise ends.
func Fetchable(k core.GrantKind) bool {
	return k == core.GrantStore || k == core.GrantCache || k == core.GrantCustody
}
