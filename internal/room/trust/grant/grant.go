package grant

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"entrechat/internal/core"
)

// MaxAmount is the largest amount JSON carries exactly.
const MaxAmount = 1<<53 - 1

// Types are the kinds of promise this house knows, in the order pages show them.
type Types []core.GrantType

// Of answers the type of a kind; ok is false for a kind no room here uses.
func (t Types) Of(kind core.GrantKind) (found core.GrantType, ok bool) {
	i := slices.IndexFunc(t, func(g core.GrantType) bool { return g.Kind == kind })
	if i < 0 {
		return found, false
	}
	return t[i], true
}

// Light says whether a charter may carry the kind.
func (t Types) Light(kind core.GrantKind) bool {
	g, _ := t.Of(kind)
	return g.Light
}

// Fetchable says whether the other side has something to fetch back when the promise ends.
func (t Types) Fetchable(kind core.GrantKind) bool {
	g, _ := t.Of(kind)
	return g.Fetchable
}

// A service's name as a grant carries it.
var name = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$`)

// Check returns CodeInvalid for promises nobody could keep or read: an unknown kind, a
// kind twice, quantities that do not belong to it.
func (t Types) Check(grants []core.Grant) error {
	seen := map[core.GrantKind]bool{}
	for _, g := range grants {
		if seen[g.Kind] || !t.fits(g) {
			return core.Invalid("trust.bad_grant", fmt.Errorf("grant %.40q cannot stand like this", g.Kind)).
				With("Kind", fmt.Sprintf("%.40s", g.Kind))
		}
		seen[g.Kind] = true
	}
	return nil
}

func (t Types) fits(g core.Grant) bool {
	kind, known := t.Of(g.Kind)
	if !known {
		return false
	}
	for _, said := range g.Fields() {
		if f, ok := kind.Field(said); !ok || (f.Unit == core.UnitNames) != (g.Amounts[said] == 0) {
			return false
		}
	}
	for _, f := range kind.Fields {
		count := g.Amounts[f.Name]
		if f.Unit == core.UnitNames {
			if count = int64(len(g.Names[f.Name])); !namesFit(g.Names[f.Name]) {
				return false
			}
		}
		if count < f.Least || count > f.Most {
			return false
		}
	}
	return true
}

// namesFit: each is a name, and they are sorted, none twice.
func namesFit(names []string) bool {
	for i, n := range names {
		if !name.MatchString(n) || (i > 0 && names[i-1] >= n) {
			return false
		}
	}
	return true
}

// Larger picks the more generous of two promises of one kind: by its first field, then by
// the next. Promises are never added up: with two pacts the larger holds, so a member can
// always point at the text that promises what it uses.
//
// spec: docs/spec/trust.md#allowance
func (t Types) Larger(a, b core.Grant) core.Grant {
	kind, _ := t.Of(a.Kind)
	for _, f := range kind.Fields {
		if order := cmp.Compare(generosity(f, a), generosity(f, b)); order != 0 {
			if order < 0 {
				return b
			}
			return a
		}
	}
	return a
}

// generosity orders the values of a field: the larger, the more is promised.
func generosity(f core.GrantField, g core.Grant) int64 {
	switch n := g.Amounts[f.Name]; {
	case f.Unit == core.UnitNames && len(g.Names[f.Name]) > 0:
		return int64(len(g.Names[f.Name]))
	case f.Unit == core.UnitSeconds:
		return -n // oftener is more
	case n == 0:
		return MaxAmount + 1 // no limit
	default:
		return n
	}
}
