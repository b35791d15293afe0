package custody

import "entrechat/internal/core"

// KindCustody is what members promise each other for shares of secrets.
const KindCustody core.GrantKind = "custody"

// GrantType describes the promise for pacts.
func GrantType() core.GrantType {
	return core.GrantType{Kind: KindCustody, Words: "custody.grant.custody.", Fetchable: true}
}
