package logbook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// How old a member's last signed head may be before people are told.
const (
	notHeardAfter = 48 * time.Hour
	staleAfter    = 7 * 24 * time.Hour
)

// State is how a member's log is with us.
type State string

// The states of a log.
const (
	Unknown   State = "unknown"   // followed, nothing verified yet
	Fresh     State = "fresh"     // signed within 48 hours
	NotHeard  State = "not_heard" // older than that
	Stale     State = "stale"     // older than seven days
	Suspended State = "suspended" // it told different things to different members
)

// StateOf judges a log by the time stamp on its newest head. A forked log is
// suspended whatever its age; people decide what follows.
func StateOf(signed core.Moment, suspended bool, now time.Time) State {
	age := now.Sub(signed.Time())
	switch {
	case suspended:
		return Suspended
	case signed == 0:
		return Unknown
	case age > staleAfter:
		return Stale
	case age > notHeardAfter:
		return NotHeard
	}
	return Fresh
}

// verdict is what a head offered for a log we hold turns out to be.
type verdict int

const (
	same    verdict = iota // what we hold, maybe signed again
	older                  // a true earlier state
	longer                 // may continue ours: get the entries and see
	forking                // contradicts ours
)

// judge compares an offered head with what we hold. rootAt answers our own tree's
// root at a smaller size.
func judge(held, offered tlog.Tree, rootAt func(size int64) (tlog.Hash, error)) (verdict, error) {
	switch {
	case offered.N > held.N:
		return longer, nil
	case offered.N == held.N:
		if offered.Hash == held.Hash {
			return same, nil
		}
		return forking, nil
	case offered.N == 0:
		return older, nil
	}
	root, err := rootAt(offered.N)
	if err != nil {
		return older, err
	}
	if root != offered.Hash {
		return forking, nil
	}
	return older, nil
}

// Fork is the portable proof that a member signed two heads that cannot both be
// true: anybody who has its root key can check it alone.
// spec: docs/spec/logbook.md#fork-proof
type Fork struct {
	Origin core.MemberID `json:"origin"`
	KeySet seal.Envelope `json:"keyset"`
	A      string        `json:"a"` // the smaller head
	B      string        `json:"b"` // the other
	// RootAtA is the root B's tree has at A's size, and Proof the consistency
	// proof from there to B; both empty when the sizes are equal.
	RootAtA string   `json:"root_at_a,omitzero"`
	Proof   []string `json:"proof,omitempty"`
}

var errNoFork = errors.New("the two heads do not contradict each other")

// Check verifies a fork proof under the member's pinned root key; nil means that
// the member did fork. Returns CodeInvalid or CodeDenied when it proves nothing.
func (f Fork) Check(root core.RootKey) error {
	keys, err := OpenKeySet(f.KeySet, f.Origin, root)
	if err != nil {
		return err
	}
	a, err := openHead(f.Origin, keys.Keys, []byte(f.A))
	if err != nil {
		return err
	}
	b, err := openHead(f.Origin, keys.Keys, []byte(f.B))
	if err != nil {
		return err
	}
	if err := contradict(a.Tree, b.Tree, f); err != nil {
		return core.Invalid("logbook.bad_fork", fmt.Errorf("fork proof of %s: %w", f.Origin, err))
	}
	return nil
}

func contradict(a, b tlog.Tree, f Fork) error {
	if a.N == b.N {
		if a.Hash == b.Hash {
			return errNoFork
		}
		return nil
	}
	if a.N > b.N || a.N < 1 || len(f.Proof) > 64 {
		return errNoFork
	}
	rootAtA, err := parseHash(f.RootAtA)
	if err != nil {
		return err
	}
	proof := make(tlog.TreeProof, len(f.Proof))
	for i, text := range f.Proof {
		if proof[i], err = parseHash(text); err != nil {
			return err
		}
	}
	if err := tlog.CheckTree(proof, b.N, b.Hash, a.N, rootAtA); err != nil {
		return err
	}
	if rootAtA == a.Hash {
		return errNoFork
	}
	return nil
}

func parseHash(text string) (tlog.Hash, error) {
	var h tlog.Hash
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != len(h) {
		return h, fmt.Errorf("%.60q is not a hash", text)
	}
	copy(h[:], b)
	return h, nil
}
