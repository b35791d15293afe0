package grant

import "entrechat/internal/core"

// Planned are the promises whose rooms are still to be built: members may make them
// already. Each goes to its room when that room comes.
func Planned() []core.GrantType {
	return []core.GrantType{
		{
			Kind: "cache", Words: "trust.grant.cache.", Fetchable: true,
			Fields: []core.GrantField{
				{Name: "bytes", Unit: core.UnitBytes, Least: 1, Most: MaxAmount, Place: "Size"},
				{Name: "rate_bits_s", Unit: core.UnitRate, Most: MaxAmount, Place: "Rate", Suffix: "_rate"},
			},
		},
	}
}
