package elector

import (
	"context"
	"time"

	"entrechat/internal/core"
)

// Seniority is how long before a proposal opens somebody has to be admitted.
const Seniority = 90 * 24 * time.Hour

// Elector is one member of an electorate, as a proposal names it.
//
// spec: docs/spec/decision.md#proposal
type Elector struct {
	Member   core.MemberID `json:"member"`
	Root     core.RootKey  `json:"root"`
	Sleeping bool          `json:"sleeping"`
}

// Head is how far a logbook was read: Size entries of its whole history.
//
// spec: docs/spec/decision.md#proposal
type Head struct {
	Member core.MemberID `json:"member"`
	Size   int64         `json:"size"`
}

// Founder is a founder that a charter names, with the root key it names.
type Founder struct {
	Member core.MemberID
	Root   core.RootKey
}

// Charter is what an electorate depends on of a charter.
type Charter struct {
	ID       string
	Name     string
	Founders []Founder
	Admit    int64 // admit_vouches
}

// Society is a charter and what this node knows of members whatever their logbooks say.
type Society struct {
	Charter Charter
	// Root is the key pinned here for a member; zero = none known.
	Root func(core.MemberID) core.RootKey
	// Suspended members forked their logbook: they are in no electorate, and their vouches do
	// not count.
	Suspended func(core.MemberID) bool
}

// Collectives answers which collectives there are, and whom it knows.
type Collectives interface {
	// Society is the collective with an id, or the unique beginning of one. Returns
	// CodeNotFound, CodeInvalid for a beginning that several share, CodeUnsure while nobody
	// who has its charter answers.
	Society(ctx context.Context, charter string) (Society, error)
	// Followed lists the charters that we follow and that are here, by id.
	Followed(ctx context.Context) ([]Charter, error)
}
