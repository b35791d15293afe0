package holder

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"lukechampine.com/blake3/bao"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/shard"
)

// baoGroup is log2 of the BLAKE3 chunks (1 KiB) in a leaf of the proofs: 16 KiB
// leaves, so that one audited group comes with one hash pair per level above it
// (512 bytes at 4 MiB) and a tree over a shard is a 256th of its size.
const baoGroup = 4

// maxProof is the largest encoded proof in bytes: length, the group, 64 bytes for
// each of at most 20 levels.
const maxProof = 8 + Group + 20*64

// Proof shows that one group of a shard is there: a Bao slice, checked against
// nothing but the shard's root.
//
// spec: docs/spec/holder.md#audit
type Proof struct {
	Offset int64 // of the group, a multiple of Group
	Slice  []byte
}

// groupAt is the group in which off lies, of a shard of length bytes.
func groupAt(length, off int64) (start, size int64) {
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
	_, size := groupAt(ref.Length, p.Offset)
	data, ok := bao.VerifySlice(p.Slice, baoGroup, uint64(p.Offset), uint64(size), ref.Root) //nolint:gosec // checked above
	if !ok {
		return nil, lie("vault.peer_wrong_bytes", who, "proof at %d of %s does not hold", p.Offset, ref.Name())
	}
	return data, nil
}

// prove makes the proof for the group in which off lies. data is the shard's data
// and nothing else. The tree is computed anew, which reads the shard whole: 1 ms for
// 4 MiB, and the disk has been looked at. Returns the root of what was read beside it.
func prove(data io.ReaderAt, length, off int64) (Proof, shard.Hash, error) {
	tree := make(treeBuffer, bao.EncodedSize(int(length), baoGroup, true))
	root, err := bao.Encode(tree, io.NewSectionReader(data, 0, length), length, baoGroup, true)
	if err != nil {
		return Proof{}, shard.Hash{}, fmt.Errorf("hash shard: %w", err)
	}
	start, size := groupAt(length, off)
	// With a tree apart from the data, ExtractSlice wants a reader that has
	// nothing but the groups of the slice.
	group := io.NewSectionReader(data, start, size)
	var slice bytes.Buffer
	slice.Grow(maxProof)
	err = bao.ExtractSlice(&slice, group, bytes.NewReader(tree), baoGroup, uint64(start), uint64(size)) //nolint:gosec // within the shard
	if err != nil {
		return Proof{}, shard.Hash{}, fmt.Errorf("extract slice at %d: %w", start, err)
	}
	return Proof{Offset: start, Slice: slice.Bytes()}, root, nil
}

// treeBuffer is memory that bao writes its tree to.
type treeBuffer []byte

// WriteAt writes within the buffer, which is made large enough.
func (b treeBuffer) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off > int64(len(b)) {
		return 0, io.ErrShortBuffer
	}
	if n := copy(b[off:], p); n < len(p) {
		return n, io.ErrShortBuffer
	}
	return len(p), nil
}
