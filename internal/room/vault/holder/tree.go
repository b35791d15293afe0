package holder

import (
	"encoding/binary"
	"math/bits"

	"lukechampine.com/blake3/guts"

	"entrechat/internal/room/vault/shard"
)

// Subtree is how many bytes one stored hash stands for: an audit reads that many. The
// hashes of a shard of 4 MiB take 512 bytes.
const Subtree = 16 * Group

// value is the chaining value of a BLAKE3 subtree.
type value = [8]uint32

// Tree has the BLAKE3 values of a shard's subtrees, in order. Nil is that of a shard of one
// subtree, whose root says all.
type Tree []value

// TreeHasher computes the root of what is written to it, and the values of its
// subtrees. Not safe for concurrent use.
type TreeHasher struct {
	buf     [Group]byte
	n       int     // bytes in buf
	groups  uint64  // hashed so far
	current []value // groups of the subtree that is being filled
	trees   []value // subtrees that are full, and are not the last
}

// Write never fails. The last group is kept back: it may be the root.
func (h *TreeHasher) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		if h.n == len(h.buf) {
			h.push(guts.ChainingValue(guts.CompressBuffer(&h.buf, h.n, &guts.IV, h.groups*chunksInGroup, 0)))
			h.n = 0
		}
		n := copy(h.buf[h.n:], p)
		h.n += n
		p = p[n:]
	}
	return total, nil
}

// chunksInGroup is Group in BLAKE3 chunks, the unit of its counter.
const chunksInGroup = Group / guts.ChunkSize

func (h *TreeHasher) push(v value) {
	if len(h.current) == Subtree/Group {
		h.trees = append(h.trees, merge(h.current, 0))
		h.current = h.current[:0]
	}
	h.current = append(h.current, v)
	h.groups++
}

// Sum answers the root of everything written, and the subtrees when there is more than one. The
// hasher must not be used any more.
func (h *TreeHasher) Sum() (shard.Hash, Tree) {
	last := guts.CompressBuffer(&h.buf, h.n, &guts.IV, h.groups*chunksInGroup, 0)
	if h.groups == 0 {
		last.Flags |= guts.FlagRoot
		return hashOf(guts.ChainingValue(last)), nil
	}
	h.push(guts.ChainingValue(last))
	if len(h.trees) == 0 {
		return hashOf(merge(h.current, guts.FlagRoot)), nil
	}
	h.trees = append(h.trees, merge(h.current, 0))
	return hashOf(merge(h.trees, guts.FlagRoot)), h.trees
}

// merge is the value above some values, as BLAKE3 orders its tree: the left half is the
// largest power of two that leaves something to the right.
func merge(all []value, flags uint32) value {
	if len(all) == 1 {
		return all[0]
	}
	mid := 1 << (bits.Len(uint(len(all)-1)) - 1)
	return guts.ChainingValue(guts.ParentNode(merge(all[:mid], 0), merge(all[mid:], 0), &guts.IV, flags))
}

func hashOf(v value) (h shard.Hash) {
	for i, w := range v {
		binary.LittleEndian.PutUint32(h[4*i:], w)
	}
	return h
}

func valueOf(h shard.Hash) (v value) {
	for i := range v {
		v[i] = binary.LittleEndian.Uint32(h[4*i:])
	}
	return v
}

// Encode writes the subtrees as they are stored, 32 bytes each.
func (t Tree) Encode() []byte {
	out := make([]byte, 0, 32*len(t))
	for _, v := range t {
		h := hashOf(v)
		out = append(out, h[:]...)
	}
	return out
}

// DecodeTree reads the subtrees of a shard; nil when they are not its own.
func DecodeTree(stored []byte, length int64, root shard.Hash) Tree {
	count := (length + Subtree - 1) / Subtree
	if count < 2 || int64(len(stored)) != 32*count {
		return nil
	}
	out := make(Tree, count)
	for i := range out {
		out[i] = valueOf(shard.Hash(stored[32*i : 32*i+32]))
	}
	if hashOf(merge(out, guts.FlagRoot)) != root {
		return nil
	}
	return out
}
