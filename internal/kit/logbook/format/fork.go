package format

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// Fork is the proof that a member signed two heads that cannot both be true.
// Whoever has its pinned root key can check it alone, for ever.
// spec: docs/spec/logbook.md#fork-proof
type Fork struct {
	Origin core.MemberID `json:"origin"` // the member
	Epoch  int64         `json:"epoch"`
	KeySet seal.Envelope `json:"keyset"` // holds the key that signed both
	A      string        `json:"a"`      // the head that is not larger
	B      string        `json:"b"`
	// RootAtA is the root that B's tree has at A's size, and Proof the consistency
	// proof from there to B. Both are empty when the sizes are equal.
	RootAtA string   `json:"root_at_a,omitzero"`
	Proof   []string `json:"proof,omitempty"`
}

// maxProof bounds a consistency proof: two hashes for each bit of a size.
const maxProof = 2 * 40

var errNoFork = errors.New("the two heads do not contradict each other")

// Check verifies the proof under the member's pinned root key, and newest, the
// newest key set known to the one who asks: an older one that stands in the proof
// must not bring back a key that was revoked since. nil means that the member did
// fork. Returns CodeInvalid or CodeDenied when nothing is proved.
func (f Fork) Check(root core.RootKey, newest KeySet) error {
	keys, err := OpenKeySet(f.KeySet, f.Origin, root)
	if err != nil {
		return err
	}
	if newest.Origin == f.Origin && newest.Version > keys.Version {
		keys = newest
	}
	a, err := OpenHead(keys, f.Epoch, []byte(f.A))
	if err != nil {
		return err
	}
	b, err := OpenHead(keys, f.Epoch, []byte(f.B))
	if err != nil {
		return err
	}
	if err := f.contradict(a.Tree, b.Tree); err != nil {
		return core.Invalid("logbook.bad_fork", fmt.Errorf("fork proof of %s: %w", f.Origin, err))
	}
	return nil
}

func (f Fork) contradict(a, b tlog.Tree) error {
	if a.N == b.N {
		if a.Hash == b.Hash || f.RootAtA != "" || len(f.Proof) != 0 {
			return errNoFork
		}
		return nil
	}
	if a.N > b.N || len(f.Proof) > maxProof {
		return errNoFork
	}
	rootAtA, err := parseHash(f.RootAtA)
	if err != nil {
		return err
	}
	proof, err := parseProof(f.Proof)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, b.N, b.Hash, a.N, rootAtA); err != nil {
		return err
	}
	if rootAtA == a.Hash {
		return errNoFork
	}
	return nil
}

// Prove makes f, which names the log, a proof with two heads of it; read gives
// hashes of the larger one's tree.
func (f Fork) Prove(a, b Head, read tlog.HashReader) (Fork, error) {
	if a.Tree.N > b.Tree.N {
		a, b = b, a
	}
	f.A, f.B = string(a.Note), string(b.Note)
	if a.Tree.N == b.Tree.N {
		return f, nil
	}
	root, err := tlog.TreeHash(a.Tree.N, read)
	if err != nil {
		return f, fmt.Errorf("fork proof of %s: %w", f.Origin, err)
	}
	proof, err := tlog.ProveTree(b.Tree.N, a.Tree.N, read)
	if err != nil {
		return f, fmt.Errorf("fork proof of %s: %w", f.Origin, err)
	}
	f.RootAtA = HashText(root)
	for _, h := range proof {
		f.Proof = append(f.Proof, HashText(h))
	}
	return f, nil
}

// DecodeFork reads a fork proof strictly; Check says whether it proves anything.
// Returns CodeInvalid.
func DecodeFork(data []byte) (Fork, error) {
	var f Fork
	if len(data) > MaxEntry {
		return f, core.Invalid("logbook.bad_fork", fmt.Errorf("%d bytes", len(data)))
	}
	if err := wire.Decode(data, &f); err != nil {
		return Fork{}, err
	}
	if !f.Origin.Valid() || f.Epoch < 1 || f.Epoch > MaxEpochs {
		return Fork{}, core.Invalid("logbook.bad_fork", errors.New("names no log"))
	}
	return f, nil
}
