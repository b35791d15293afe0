package holder

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"lukechampine.com/blake3/bao"
	"lukechampine.com/blake3/guts"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/shard"
)

// baoGroup is log2 of the BLAKE3 chunks (1 KiB) in a leaf of the proofs: 16 KiB
// leaves, so that one audited group comes with one hash pair per level above it
// (512 bytes at 4 MiB) and a tree over a shard is a 256th of its size.
const baoGroup = 4

// MaxProof is the largest encoded proof in bytes: length, the group, 64 bytes for
// each of at most 20 levels.
const MaxProof = 8 + Group + 20*64

// Proof shows that one group of a shard is there: a Bao slice, checked against
// nothing but the shard's root.
//
// spec: docs/spec/holder.md#audit
type Proof struct {
	Offset int64 // of the group, a multiple of Group
	Slice  []byte
}

// GroupAt is the group in which off lies, of a shard of length bytes.
func GroupAt(length, off int64) (start, size int64) {
	start = off / Group * Group
	return start, min(Group, length-start)
}

// Check says whether the proof is of this shard's data, whose Root and Length
// ref must know, and gives the audited bytes. Returns CodeInvalid
// (vault.peer_wrong_bytes, vault.peer_truncated).
func (p Proof) Check(ref Ref, who core.MemberID) ([]byte, error) {
	if ref.Root.IsZero() || p.Offset < 0 || p.Offset >= ref.Length || p.Offset%Group != 0 {
		return nil, lie("vault.peer_wrong_bytes", who, "proof at %d of %s", p.Offset, ref.Name())
	}
	// The length that a slice begins with is what the prover says; a wrong one
	// would bend the tree.
	if len(p.Slice) < 8 || binary.LittleEndian.Uint64(p.Slice) != uint64(ref.Length) { //nolint:gosec // lengths are positive
		return nil, lie("vault.peer_truncated", who, "proof for another length than %d", ref.Length)
	}
	_, size := GroupAt(ref.Length, p.Offset)
	data, ok := bao.VerifySlice(p.Slice, baoGroup, uint64(p.Offset), uint64(size), ref.Root) //nolint:gosec // checked above
	if !ok {
		return nil, lie("vault.peer_wrong_bytes", who, "proof at %d of %s does not hold", p.Offset, ref.Name())
	}
	return data, nil
}

// Prove makes the proof for the group in which off lies. data is the shard's data and
// nothing else; tree has its subtrees, and is nil for a shard of only one. It reads the subtree
// of that group. false when that is not what it was.
func Prove(data io.ReaderAt, length, off int64, root shard.Hash, trees Tree) (Proof, bool, error) {
	start, size := GroupAt(length, off)
	first := start / Subtree * Subtree // of the subtree
	part := make([]byte, min(Subtree, length-first))
	if n, err := data.ReadAt(part, first); n < len(part) {
		if errors.Is(err, io.EOF) {
			return Proof{}, false, nil
		}
		return Proof{}, false, fmt.Errorf("read shard: %w", err)
	}
	groups := groupValues(part, first)
	p := trail{base: int(first / Group), groups: groups, trees: trees}
	whole, want := rootValue(part, groups), valueOf(root)
	if trees != nil {
		whole, want = merge(groups, 0), trees[first/Subtree]
	}
	if whole != want {
		return Proof{}, false, nil
	}
	slice := make([]byte, 8, MaxProof)
	binary.LittleEndian.PutUint64(slice, uint64(length)) //nolint:gosec // lengths are positive
	slice = p.append(slice, int(start/Group), int((length+Group-1)/Group))
	return Proof{Offset: start, Slice: append(slice, part[start-first:start-first+size]...)}, true, nil
}

// groupValues are the values of the groups in a part of the data that begins at first.
func groupValues(part []byte, first int64) []value {
	var buf [Group]byte
	var out []value
	for off := 0; off < len(part); off += Group {
		n := copy(buf[:], part[off:])
		counter := uint64(first+int64(off)) / guts.ChunkSize //nolint:gosec // offsets are positive
		out = append(out, guts.ChainingValue(guts.CompressBuffer(&buf, n, &guts.IV, counter, 0)))
	}
	return out
}

// rootValue is the root of a shard that is one subtree.
func rootValue(data []byte, groups []value) value {
	if len(groups) > 1 {
		return merge(groups, guts.FlagRoot)
	}
	var buf [Group]byte
	node := guts.CompressBuffer(&buf, copy(buf[:], data), &guts.IV, 0, 0)
	node.Flags |= guts.FlagRoot
	return guts.ChainingValue(node)
}

// trail knows the values beside the way from the root to one group.
type trail struct {
	base   int     // number of the first of groups
	groups []value // of the subtree in which the group lies
	trees  []value
}

// value is that of the groups from lo to before hi: some of the subtree, or whole
// subtrees.
func (p trail) value(lo, hi int) value {
	if lo >= p.base && hi <= p.base+len(p.groups) {
		return merge(p.groups[lo-p.base:hi-p.base], 0)
	}
	const each = Subtree / Group
	return merge(p.trees[lo/each:(hi+each-1)/each], 0)
}

// append writes the pairs of values on the way down to a group, of count groups.
func (p trail) append(to []byte, group, count int) []byte {
	lo, hi := 0, count
	for hi-lo > 1 {
		mid := lo + 1<<(bits.Len(uint(hi-lo-1))-1)
		left, right := hashOf(p.value(lo, mid)), hashOf(p.value(mid, hi))
		to = append(append(to, left[:]...), right[:]...)
		if group < mid {
			hi = mid
		} else {
			lo = mid
		}
	}
	return to
}
