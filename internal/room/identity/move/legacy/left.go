package legacy

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/person"
)

// Secrets are what people sign in with, as it travels to a successor.
type Secrets interface {
	// Carry is somebody's password hash and the secret of their one-time codes, base 32; empty =
	// none that is good elsewhere.
	Carry(ctx context.Context, q db.Querier, who person.ID) (password, totp string, err error)
	// Bring gives them to somebody who has none here. What is of no use is left out.
	Bring(ctx context.Context, q db.Querier, who person.ID, password, totp string) error
	// Has says whether somebody has any way to begin a sign-in with.
	Has(ctx context.Context, q db.Querier, who person.ID) (bool, error)
}

// Left is what a successor needs to make the accounts of our people: the file
// users/accounts/MEMBER.json of a sealed pack. It holds secrets.
// spec: docs/spec/identity.md#a-home-that-died
type Left struct {
	V      int64         `json:"v"` // 1
	Home   core.MemberID `json:"home"`
	To     core.MemberID `json:"to"`
	Made   core.Moment   `json:"made_us"` // of the newest release; 0 = nobody is in it
	People []Heir        `json:"people"`
}

// Heir is one person of a Left.
type Heir struct {
	Legacy   seal.Envelope `json:"legacy"` // the release, signed by the old home
	Earlier  []string      `json:"earlier,omitempty"`
	Handle   string        `json:"handle"`
	Name     string        `json:"name,omitempty"`
	Mail     string        `json:"mail,omitempty"` // verified at the old home; empty = none
	Lang     string        `json:"lang"`
	Choice   string        `json:"choice"`
	Password string        `json:"password,omitempty"` // hash
	TOTP     string        `json:"totp,omitempty"`     // secret, base 32
}

// String keeps secrets out of what is printed by mistake.
func (h Heir) String() string { return "an heir" }

// GoString is String, for %#v.
func (h Heir) GoString() string { return "an heir" }
