package catalogue

import (
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// Meta is entrechat's own kind of file: what a repository needs beside restic's
// files to come back from nothing. The front does not show it.
const Meta rest.Type = "repo"

// State says how far an object is on its way to the members.
type State string

// The states. An object moves forward when shards are placed and back when one
// is found lost.
const (
	Waiting State = "waiting" // not yet off-site
	Safe    State = "safe"    // enough shards on distinct domains, not all
	Placed  State = "placed"  // all of them
	Gone    State = "gone"    // this disk lost it before it was off-site
)

// Object is one file of a repository in its sealed form.
type Object struct {
	ID     shard.Hash // BLAKE3 of the sealed file
	Repo   string
	File   rest.Handle // what restic calls it
	Size   int64       // plain bytes
	Sealed int64       // bytes of the age file
	// SealedTo is the repository's recipient then; empty = the one all shared.
	SealedTo string
	Code     shard.Code // zero until the first shard is sent
	Seq      int64      // order of acceptance
	Local    string     // its name on our disk; empty = only the members have it
	State    State
	Tries    int         // failed rounds in a row
	Next     core.Moment // not before
	Made     core.Moment // accepted
	Safe     core.Moment // off-site for the first time; zero = not yet
	Deleted  core.Moment // zero = alive
}

// Placement is one shard at one member.
type Placement struct {
	Object  shard.Hash
	Index   int
	Member  core.MemberID
	Site    string
	Admin   string
	Length  int64 // bytes of the shard's data
	Root    shard.Hash
	State   PlacementState
	Receipt []byte      // the holder's signed document; empty after a recovery
	Since   core.Moment // since when, by the holder's clock
	Seen    core.Moment // when we were last shown it
	// Leaves: its member gives us nothing new any more. It counts, and is made again at
	// another; not stored.
	Leaves bool
}

// IsCopy says that the shard is the whole object.
func (p Placement) IsCopy() bool { return p.Root == p.Object && p.Object != (shard.Hash{}) }

// PlacementState says what we believe of a shard at a member.
type PlacementState string

// The states of a placement. Only a stored one counts.
const (
	Stored PlacementState = "stored"
	Lost   PlacementState = "lost"  // the member says it has no such shard
	Wrong  PlacementState = "wrong" // it gave other bytes
	Left   PlacementState = "left"  // its pact is over: it may be there, and nobody promises it
)

// Domain is the placement as a lender, for the rule "one shard per domain".
func (p Placement) Domain() core.Lender {
	return core.Lender{ID: p.Member, Site: p.Site, Admin: p.Admin}
}

// IsSmall says whether files of a type stay on our disk for good: small ones, that
// every restic run reads.
func IsSmall(t rest.Type) bool { return t != rest.Data }

// Committed says whether a file of the type is acknowledged only when it and all
// before it are off-site.
func Committed(t rest.Type) bool { return t == rest.Index || t == rest.Snapshots }

// CodeFor chooses how an object of the type is encoded for so many domains. What a
// repository cannot be opened without goes to every domain, at most nine.
//
// spec: docs/spec/shard.md#codes
func CodeFor(t rest.Type, domains int) shard.Code {
	domains = max(domains, 1)
	switch t {
	case rest.Data:
		return shard.CodeFor(domains)
	case rest.Index:
		copies := shard.CopiesFor(domains)
		copies.N = min(max(copies.N, 2), domains)
		return copies
	case rest.Config, rest.Keys, rest.Snapshots, rest.Locks, Meta:
	}
	return shard.Code{K: 1, N: min(domains, 9)}
}

// StateOf is where an object stands with so many shards stored, each in a domain
// of its own.
func StateOf(c shard.Code, held int) State {
	switch {
	case c.K == 0 || held < c.Enough():
		return Waiting
	case held < c.N:
		return Safe
	}
	return Placed
}

// StandingOf is StateOf for an object with these shards stored. All of them make it safe; it
// is placed when so many lie at members that stay.
func StandingOf(c shard.Code, held []Placement) State {
	if state := StateOf(c, Effective(held)); state != Placed {
		return state
	}
	if Effective(Staying(held)) < c.N {
		return Safe
	}
	return Placed
}

// Losses is how many more domains may fail before the object is gone; negative
// when it is.
func Losses(c shard.Code, held int) int { return held - max(c.K, 1) }

// Fitted is how an object is encoded by the shards there are of it: as its row says, unless no
// shard is as long as that makes them, or one has no place in it.
func Fitted(o Object, shards []Placement) shard.Code {
	long := func(k int) bool {
		return k >= 1 && slices.ContainsFunc(shards, func(p Placement) bool { return p.Length == shard.Code{K: k}.ShardSize(o.Sealed) })
	}
	c := o.Code
	for domains := 1; domains <= MostDomains && !long(c.K); domains++ {
		c = shard.CodeFor(domains)
	}
	if !long(c.K) {
		return o.Code
	}
	if c.K == 1 { // of copies any number is right; a pool that has more gives more
		if c.N = o.Code.N; c.N < 1 || c.N > MostDomains {
			c.N = 1
		}
		return c
	}
	for domains := range MostDomains + 1 {
		if known := shard.CodeFor(domains); known.K == c.K {
			c.N = known.N
		}
	}
	return c
}

// MostDomains is from how many failure domains on the code is always the same.
const MostDomains = 9

// PasswordState says whether the restic password that this node keeps, and puts into
// the record, opens a key of the repository. `restic key passwd` changes the one and
// not the other.
type PasswordState string

// The states. One that was never compared is unknown.
const (
	PasswordUnknown PasswordState = ""      // no key yet, or its files cannot be read
	PasswordOpens   PasswordState = "opens" // a key
	PasswordWrong   PasswordState = "wrong" // opens no key of the repository
)
