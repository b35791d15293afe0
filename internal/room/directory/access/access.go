package access

import "slices"

// Without says whether a service can be used without an account.
type Without string

// The answers; the zero value is "nobody said".
const (
	WithoutUnknown Without = ""
	WithoutAll     Without = "all"  // everything works without an account
	WithoutSome    Without = "some" // reading or taking part does, making or keeping does not
	WithoutNone    Without = "none" // nothing works without an account
)

// Register says who may open an account.
type Register string

// The answers, from open to closed; the zero value is "nobody said".
const (
	RegisterUnknown   Register = ""
	RegisterAnyone    Register = "anyone"
	RegisterOnRequest Register = "on_request" // anyone asks, a person decides
	RegisterInvited   Register = "invited"    // by somebody who has an account
	RegisterMembers   Register = "members"    // of the hoster's body
	RegisterCustomers Register = "customers"  // who pay for it
	RegisterNobody    Register = "nobody"     // closed, or there are no accounts
)

// Load says whether newcomers are taken now.
type Load string

// The answers; the zero value is "nobody said".
const (
	LoadUnknown Load = ""
	LoadOpen    Load = "open"
	LoadFull    Load = "full"
)

// Access is who may use a service. The zero value says nothing.
type Access struct {
	Without  Without  `json:"without,omitempty"`
	Register Register `json:"register,omitempty"`
	Load     Load     `json:"load,omitempty"`
}

// Valid says whether all three answers are known words.
func (a Access) Valid() bool {
	return slices.Contains([]Without{WithoutUnknown, WithoutAll, WithoutSome, WithoutNone}, a.Without) &&
		slices.Contains([]Register{
			RegisterUnknown, RegisterAnyone, RegisterOnRequest, RegisterInvited, RegisterMembers, RegisterCustomers, RegisterNobody,
		}, a.Register) &&
		slices.Contains([]Load{LoadUnknown, LoadOpen, LoadFull}, a.Load)
}

// Usable says whether somebody who has no account anywhere can start today:
// without one, or by opening one. Unknown answers are no.
func (a Access) Usable() bool { return a.WithoutAccount() || a.Newcomers() }

// WithoutAccount says whether the service is of use without an account.
func (a Access) WithoutAccount() bool { return a.Without == WithoutAll || a.Without == WithoutSome }

// Newcomers says whether anybody may open an account today.
func (a Access) Newcomers() bool {
	return (a.Register == RegisterAnyone || a.Register == RegisterOnRequest) && a.Load != LoadFull
}
