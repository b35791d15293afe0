package holder

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"lukechampine.com/blake3/bao"

	"entrechat/internal/room/vault/shard"
)

// proofOf proves a group of data, whose tree it makes; sound is Prove's.
func proofOf(t testing.TB, data []byte, off int64) (_ Proof, sound bool, root shard.Hash) {
	t.Helper()
	hasher := &TreeHasher{}
	_, _ = hasher.Write(data)
	root, trees := hasher.Sum()
	proof, sound, err := Prove(bytes.NewReader(data), int64(len(data)), off, root, trees)
	if err != nil {
		t.Fatal(err)
	}
	return proof, sound, root
}

// The tree is BLAKE3's and the slices are Bao's, as its own library makes them.
func TestTreeIsBao(t *testing.T) {
	data := make([]byte, 5*Subtree+Group+17)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	for _, n := range []int{
		1, 63, 1024, Group - 1, Group, Group + 1, 3 * Group, Subtree - 1, Subtree, Subtree + 1,
		Subtree + Group, 2 * Subtree, 3*Subtree - 5, 4 * Subtree, 5*Subtree + 1, len(data),
	} {
		tree, want := bao.EncodeBuf(data[:n], baoGroup, true)
		for _, off := range []int64{0, int64(n) / 3, int64(n) - 1} {
			proof, sound, root := proofOf(t, data[:n], off)
			if !sound || root != want {
				t.Fatalf("%d bytes: root %s, sound %v", n, root, sound)
			}
			start, size := GroupAt(int64(n), off)
			var slice bytes.Buffer
			err := bao.ExtractSlice(&slice, bytes.NewReader(data[start:start+size]), bytes.NewReader(tree), baoGroup,
				uint64(start), uint64(size))
			if err != nil || !bytes.Equal(proof.Slice, slice.Bytes()) {
				t.Errorf("%d bytes at %d: another slice, %v", n, off, err)
			}
		}
	}
}

// counted counts what is read of some data.
type counted struct {
	io.ReaderAt
	bytes int
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.bytes += n
	return n, err
}

// An audit reads one Subtree, however large the shard.
func TestAuditReadsASlice(t *testing.T) {
	data := make([]byte, 40*Subtree)
	hasher := &TreeHasher{}
	_, _ = hasher.Write(data)
	root, trees := hasher.Sum()
	disk := &counted{ReaderAt: bytes.NewReader(data)}
	if _, sound, err := Prove(disk, int64(len(data)), 23*Subtree+5, root, trees); !sound || err != nil || disk.bytes != Subtree {
		t.Errorf("sound %v, %d bytes read, %v", sound, disk.bytes, err)
	}
}
