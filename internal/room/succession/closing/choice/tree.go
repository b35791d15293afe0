package choice

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// The choices. Silence is Archive.
const (
	Handover = "handover"
	Archive  = "archive"
	Erase    = "erase"
)

// All are the choices, in the order they are shown.
func All() []string { return []string{Handover, Archive, Erase} }

// Valid says whether a text is a choice.
func Valid(text string) bool { return slices.Contains(All(), text) }

// Leaf is one person's choice; it does not say whose. The zero value is none.
type Leaf struct {
	Salt   string `json:"salt"` // 16 random bytes, in hex
	Choice string `json:"choice"`
}

// NewSalt draws the salt of a leaf.
func NewSalt() string {
	var salt [16]byte
	_, _ = rand.Read(salt[:]) // never fails
	return hex.EncodeToString(salt[:])
}

// Data is what stands in the tree for a leaf.
// spec: docs/spec/succession.md#choices
func (l Leaf) Data(service string) [sha256.Size]byte {
	return sha256.Sum256([]byte("entrechat/choice/1\n" + l.Salt + "\n" + service + "\n" + l.Choice))
}

// Valid says whether it is a leaf.
func (l Leaf) Valid() bool {
	raw, err := hex.DecodeString(l.Salt)
	return err == nil && len(raw) == 16 && strings.ToLower(l.Salt) == l.Salt && Valid(l.Choice)
}

// Tree is all choices of one service, in the order of the tree.
type Tree struct {
	Service string
	Leaves  []Leaf
	hashes  []tlog.Hash
}

// NewTree makes the tree of leaves in any order; it sorts them.
func NewTree(service string, leaves []Leaf) (*Tree, error) {
	t := &Tree{Service: service, Leaves: leaves}
	slices.SortFunc(leaves, func(a, b Leaf) int {
		x, y := a.Data(service), b.Data(service)
		return cmp.Compare(string(x[:]), string(y[:]))
	})
	for i, l := range leaves {
		data := l.Data(service)
		hashes, err := tlog.StoredHashes(int64(i), data[:], t)
		if err != nil {
			return nil, err
		}
		t.hashes = append(t.hashes, hashes...)
	}
	return t, nil
}

// ReadHashes is tlog.HashReader.
func (t *Tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, 0, len(indexes))
	for _, i := range indexes {
		if i < 0 || i >= int64(len(t.hashes)) {
			return nil, errors.New("beyond the tree")
		}
		out = append(out, t.hashes[i])
	}
	return out, nil
}

// Root is the RFC 6962 root, in hex.
func (t *Tree) Root() (string, error) {
	h, err := tlog.TreeHash(int64(len(t.Leaves)), t)
	return hex.EncodeToString(h[:]), err
}

// Count says how many chose what.
func (t *Tree) Count() (handover, archive, erase int64) {
	for _, l := range t.Leaves {
		switch l.Choice {
		case Handover:
			handover++
		case Erase:
			erase++
		default:
			archive++
		}
	}
	return handover, archive, erase
}

// Slip proves that a choice is in a tree: what a person takes home.
type Slip struct {
	Owner   core.MemberID `json:"owner"`
	Service string        `json:"service"`
	Leaf    Leaf          `json:"leaf"`
	Place   int64         `json:"place"`
	Size    int64         `json:"size"`  // people in the tree
	Proof   []string      `json:"proof"` // hex
	Root    string        `json:"root"`  // hex
}

// Slip makes it for the leaf at a place.
func (t *Tree) Slip(owner core.MemberID, place int64) (s Slip, err error) {
	size := int64(len(t.Leaves))
	if place < 0 || place >= size {
		return s, core.NotFound("succession.choice.not_counted", errors.New("not in the tree"))
	}
	s = Slip{Owner: owner, Service: t.Service, Leaf: t.Leaves[place], Place: place, Size: size, Proof: []string{}}
	proof, err := tlog.ProveRecord(size, place, t)
	if err != nil {
		return s, err
	}
	for _, h := range proof {
		s.Proof = append(s.Proof, hex.EncodeToString(h[:]))
	}
	s.Root, err = t.Root()
	return s, err
}

const maxSlip = 32 << 10 // bytes

// ReadSlip reads what a person took home. Returns CodeInvalid.
func ReadSlip(text []byte) (s Slip, err error) {
	if len(text) > maxSlip {
		return s, badSlip("too large")
	}
	if err := wire.Decode(text, &s); err != nil {
		return s, err
	}
	if !s.Leaf.Valid() || s.Size < 1 || s.Place < 0 || s.Place >= s.Size || len(s.Proof) > 64 {
		return s, badSlip("no leaf, or outside of the tree")
	}
	return s, nil
}

func badSlip(why string) error { return core.Invalid("succession.choice.bad_slip", errors.New(why)) }

// Check says whether the choice is in the tree of a root and a number of people. Returns
// CodeInvalid "succession.choice.bad_slip", CodeDenied "succession.choice.not_in".
func (s Slip) Check(root string, size int64) error {
	if size != s.Size {
		return core.Denied("succession.choice.not_in", errors.New("a tree of another size"))
	}
	top, err := hash(root)
	if err != nil {
		return err
	}
	proof := make(tlog.RecordProof, 0, len(s.Proof))
	for _, text := range s.Proof {
		h, err := hash(text)
		if err != nil {
			return err
		}
		proof = append(proof, h)
	}
	data := s.Leaf.Data(s.Service)
	if err := tlog.CheckRecord(proof, s.Size, top, s.Place, tlog.RecordHash(data[:])); err != nil {
		return core.Denied("succession.choice.not_in", err)
	}
	return nil
}

func hash(text string) (h tlog.Hash, err error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(h) {
		return h, badSlip("no hash")
	}
	return tlog.Hash(raw), nil
}
