package legacy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// Type is the payload type of a legacy release, and of the entry by which a home says, for one
// successor of its accounts, which of them count on the day it is gone. TypeInherit is the entry of
// the successor, which took them up.
// spec: docs/spec/identity.md#a-home-that-died
const (
	Type        = "entrechat/identity-legacy/1"
	TypeInherit = "entrechat/identity-inherit/1"
)

const (
	// MaxLeaves is how many releases stand under one root.
	MaxLeaves = int64(100000)
	// MaxIDs is how many one entry names.
	MaxIDs   = 200
	maxProof = 20 // hashes: more than MaxLeaves need
)

var idForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Said is the body of an entry of Type. It says nothing of whom: each release has a random nonce.
type Said struct {
	To    core.MemberID `json:"to"`
	Root  string        `json:"root"` // base64 of the Merkle root over their names
	Count int64         `json:"count"`
}

// ParseSaid reads one. Returns CodeInvalid "identity.move.bad".
func ParseSaid(text []byte) (b Said, err error) {
	if err := wire.Peek(text, &b); err != nil {
		return b, err
	}
	if _, err := tlog.ParseHash(b.Root); err != nil || !b.To.Valid() || b.Count < 0 || b.Count > MaxLeaves {
		return b, bad(fmt.Errorf("%d under %.60q", b.Count, b.Root))
	}
	return b, nil
}

// TakenUp is the body of an entry of TypeInherit: it names releases by their hashes.
type TakenUp struct {
	Home  core.MemberID `json:"home"`
	Ask   string        `json:"ask"` // by which the box of its accounts was opened
	Moved []string      `json:"moved"`
}

// ParseTakenUp reads one. Returns CodeInvalid "identity.move.bad".
func ParseTakenUp(text []byte) (b TakenUp, err error) {
	if err := wire.Peek(text, &b); err != nil {
		return b, err
	}
	if !b.Home.Valid() || !idForm.MatchString(b.Ask) || len(b.Moved) > MaxIDs || slices.ContainsFunc(b.Moved, func(id string) bool { return !idForm.MatchString(id) }) {
		return b, bad(errors.New("no home, no ask, no hash, or too many"))
	}
	return b, nil
}

func bad(err error) error { return core.Invalid("identity.move.bad", err) }

// Under says where a legacy release stands under a root that its home's logbook has.
type Under struct {
	Size  int64            `json:"size"`
	Index int64            `json:"index"`
	Proof tlog.RecordProof `json:"proof"`
}

// Check refuses what cannot be.
func (u Under) Check() error {
	if u.Size < 1 || u.Size > MaxLeaves || u.Index < 0 || u.Index >= u.Size || len(u.Proof) > maxProof {
		return errors.New("stands nowhere")
	}
	return nil
}

// Holds says whether a name stands there, under a root in base64.
func (u Under) Holds(name, root string) bool {
	h, err := tlog.ParseHash(root)
	return err == nil && tlog.CheckRecord(u.Proof, u.Size, h, u.Index, tlog.RecordHash([]byte(name))) == nil
}

// Tree is the Merkle tree over the names of releases, sorted: RFC 6962, one leaf per name.
type Tree struct {
	names  []string
	stored []tlog.Hash
}

// NewTree makes it.
func NewTree(names []string) (t Tree, err error) {
	t.names = slices.Sorted(slices.Values(names))
	for i, name := range t.names {
		more, err := tlog.StoredHashes(int64(i), []byte(name), t)
		if err != nil {
			return t, err
		}
		t.stored = append(t.stored, more...)
	}
	return t, nil
}

// ReadHashes implements tlog.HashReader.
func (t Tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at < 0 || at >= int64(len(t.stored)) {
			return nil, errors.New("a hash that is not in the tree")
		}
		out[i] = t.stored[at]
	}
	return out, nil
}

// Size is how many names there are.
func (t Tree) Size() int64 { return int64(len(t.names)) }

// Root is the tree's root, in base64.
func (t Tree) Root() (string, error) {
	h, err := tlog.TreeHash(t.Size(), t)
	return h.String(), err
}

// Under is where a name stands; it has to be in the tree.
func (t Tree) Under(name string) (Under, error) {
	i, found := slices.BinarySearch(t.names, name)
	if !found {
		return Under{}, errors.New("not in the tree")
	}
	proof, err := tlog.ProveRecord(t.Size(), int64(i), t)
	return Under{t.Size(), int64(i), proof}, err
}
