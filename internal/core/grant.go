package core

import "slices"

// GrantKind is one thing a member can promise another.
type GrantKind string

// The kinds of grant.
const (
	GrantWatch   GrantKind = "watch"   // look at the other's services
	GrantLogin   GrantKind = "login"   // let the other's users sign in here
	GrantStore   GrantKind = "store"   // keep the other's encrypted shards
	GrantCache   GrantKind = "cache"   // keep the other's public media
	GrantCustody GrantKind = "custody" // keep a share of the other's secrets
	GrantSucceed GrantKind = "succeed" // take the other's services over
)

// GrantKinds lists every kind, in the order pages show them.
func GrantKinds() []GrantKind {
	return []GrantKind{GrantStore, GrantWatch, GrantLogin, GrantCache, GrantCustody, GrantSucceed}
}

// Light says whether a collective's charter may carry the kind; the others need
// a pact between two.
func (k GrantKind) Light() bool { return k == GrantWatch || k == GrantLogin }

// Valid says whether the kind is known.
func (k GrantKind) Valid() bool { return slices.Contains(GrantKinds(), k) }

// Grant is one promise with its quantities. Fields that do not belong to the
// kind are zero and left out of JSON.
type Grant struct {
	Kind     GrantKind `json:"kind"`
	Bytes    int64     `json:"bytes,omitzero"`       // store, cache: at most this many
	RateBits int64     `json:"rate_bits_s,omitzero"` // store, cache: at most this many bits a second, 0 = no limit
	EveryS   int64     `json:"every_s,omitzero"`     // watch: seconds between looks
	Services []string  `json:"services,omitempty"`   // login: names of services, empty = all
}

// Allowance is trust's answer to "may this member do this, now, with how much?".
type Allowance struct {
	// Grant is the promise in force, the largest where several are.
	Grant Grant
	// ReadOnly: the pact ended or the member is suspended; it may only fetch
	// its own data back, until Until.
	ReadOnly bool
	// Until is when the allowance ends; zero while no end is known.
	Until Moment
}

// Leaver is a member that promised us something once and gives us nothing new now.
type Leaver struct {
	ID MemberID
	// Until is when the notice of its last pact is, or was, over; zero = the pact stands,
	// and the member is suspended or refused.
	Until Moment
}

// Lender is a member that granted us something, with the failure domain it says
// it stands in. Two lenders with an equal Site, or an equal Admin, count as one.
type Lender struct {
	ID    MemberID
	Grant Grant
	Site  string // place or network (AS) of its disks; empty = only itself
	Admin string // who administers it; empty = only itself
	// Heard is when its logbook was last heard; zero = never.
	Heard Moment
}
