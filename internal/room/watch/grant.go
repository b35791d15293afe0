package watch

import "entrechat/internal/core"

// KindWatch is what members promise each other for looks and votes.
const KindWatch core.GrantKind = "watch"

// FieldEvery is its quantity: at least so many seconds between two looks at a target.
const FieldEvery = "every_s"

// GrantType describes the promise for pacts and charters.
func GrantType() core.GrantType {
	return core.GrantType{
		Kind: KindWatch, Words: "watch.grant.watch.", Light: true, InForm: true,
		Fields: []core.GrantField{{Name: FieldEvery, Unit: core.UnitSeconds, Least: 10, Most: 86400, Place: "Every"}},
	}
}
