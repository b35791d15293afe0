package holder

import "entrechat/internal/core"

// KindStore is what members promise each other for backups.
const KindStore core.GrantKind = "store"

// Its quantities.
const (
	FieldBytes = "bytes"       // at most this many are stored
	FieldRate  = "rate_bits_s" // at most this many bits a second; 0 = no limit
)

// GrantType describes the promise for pacts.
func GrantType() core.GrantType {
	const most = 1<<53 - 1 // what JSON carries exactly
	return core.GrantType{
		Kind: KindStore, Words: "vault.grant.store.", Fetchable: true, InForm: true, Usual: "200GB",
		Fields: []core.GrantField{
			{Name: FieldBytes, Unit: core.UnitBytes, Least: 1, Most: most, Place: "Size"},
			{Name: FieldRate, Unit: core.UnitRate, Most: most, Place: "Rate", Suffix: "_rate"},
		},
	}
}

// StoreGrant promises room for so many bytes.
func StoreGrant(bytes int64) core.Grant {
	return core.Grant{Kind: KindStore, Amounts: map[string]int64{FieldBytes: bytes}}
}
