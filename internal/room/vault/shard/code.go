package shard

import (
	"errors"
	"fmt"

	"github.com/klauspost/reedsolomon"

	"entrechat/internal/core"
)

// MaxShards is the largest N of a code. A pool has at most twenty members, so
// this leaves room without letting a stranger's header ask for a huge matrix.
const MaxShards = 64

// MaxSealed is the largest sealed object in bytes. restic's packs are 16 MiB by
// default and 128 MiB at most; its index files may be larger.
const MaxSealed = 1 << 30

// MaxPlain is the largest file in bytes whose sealed form has at most MaxSealed: age adds
// 16 bytes to each 64 KiB, a quarter of a MiB here, and a head of less than one KiB.
const MaxPlain = MaxSealed - 1<<19

// errMissing says that fewer than K shards are at hand.
var errMissing = errors.New("too few shards")

// Code is K-of-N: any K of the N shards give the object back. The zero value is
// no code.
type Code struct {
	K int `json:"k"`
	N int `json:"n"`
}

// CodeFor chooses the code of a large object by the number of failure domains
// that lend room. Fewer than one counts as one.
//
// spec: docs/spec/shard.md#codes
func CodeFor(domains int) Code {
	switch {
	case domains <= 1:
		return Code{1, 1}
	case domains <= 3:
		return Code{1, domains}
	case domains == 4:
		return Code{2, 4}
	case domains == 5:
		return Code{3, 5}
	case domains <= 8:
		return Code{4, 6}
	}
	return Code{6, 9}
}

// CopiesFor chooses how often a small object (index, snapshot, catalogue) is kept
// whole: it outlives as many losses as the large objects do. config and keys,
// smaller still, go to every domain.
func CopiesFor(domains int) Code {
	c := CodeFor(domains)
	return Code{1, c.N - c.K + 1}
}

// Valid says whether 1 <= K <= N <= MaxShards.
func (c Code) Valid() bool { return c.K >= 1 && c.K <= c.N && c.N <= MaxShards }

// Enough is how many shards on distinct domains make an object count as saved:
// one may be lost before the next is made. A lone domain has to do with one.
func (c Code) Enough() int { return min(c.K+1, c.N) }

// ShardSize is the length in bytes of each shard of an object of sealed bytes.
func (c Code) ShardSize(sealed int64) int64 { return (sealed + int64(c.K) - 1) / int64(c.K) }

// Padded is the capacity in bytes that Split and Join want in the object's
// buffer: the object and less than K bytes of padding.
func (c Code) Padded(sealed int64) int64 { return c.ShardSize(sealed) * int64(c.K) }

// ParitySize is the memory in bytes Split needs beside the object; none for copies.
func (c Code) ParitySize(sealed int64) int64 {
	if c.K == 1 {
		return 0
	}
	return c.ShardSize(sealed) * int64(c.N-c.K)
}

// Slots are the places of the K data shards inside the object's buffer: what is
// read into them needs no copying afterwards. buf needs the capacity Padded.
// Returns CodeInvalid.
func (c Code) Slots(buf []byte, sealed int64) ([][]byte, error) {
	if !c.Valid() || sealed < 1 || sealed > MaxSealed || int64(cap(buf)) < c.Padded(sealed) {
		return nil, core.Invalid("vault.bad_shard",
			fmt.Errorf("%d-of-%d of %d bytes in a buffer of %d", c.K, c.N, sealed, cap(buf)))
	}
	size := c.ShardSize(sealed)
	buf = buf[:c.Padded(sealed)]
	slots := make([][]byte, c.K, c.N)
	for i := range slots {
		slots[i] = buf[int64(i)*size : int64(i+1)*size : int64(i+1)*size]
	}
	return slots, nil
}

// Split makes the N shards of a sealed object. The data shards are slices of
// sealed, whose capacity must be at least Padded; the rest of that capacity is
// overwritten with zeroes. Parity is written to parity, whose capacity must be
// at least ParitySize. Copies all share the memory of sealed. Returns
// CodeInvalid when a buffer is too small.
//
// spec: docs/spec/shard.md#code
func (c Code) Split(sealed, parity []byte) ([][]byte, error) {
	n := int64(len(sealed))
	shards, err := c.Slots(sealed, n)
	if err != nil {
		return nil, err
	}
	if int64(cap(parity)) < c.ParitySize(n) {
		return nil, core.Invalid("vault.bad_shard", fmt.Errorf("parity of %d bytes, want %d", cap(parity), c.ParitySize(n)))
	}
	if c.K == 1 {
		for len(shards) < c.N {
			shards = append(shards, shards[0])
		}
		return shards, nil
	}
	clear(sealed[n:c.Padded(n)])
	size := c.ShardSize(n)
	parity = parity[:c.ParitySize(n)]
	for len(parity) > 0 {
		shards = append(shards, parity[:size:size])
		parity = parity[size:]
	}
	rs, err := reedsolomon.New(c.K, c.N-c.K)
	if err != nil {
		return nil, fmt.Errorf("code %d-of-%d: %w", c.K, c.N, err)
	}
	if err := rs.Encode(shards); err != nil {
		return nil, fmt.Errorf("encode %d-of-%d: %w", c.K, c.N, err)
	}
	return shards, nil
}

// Join gives back the sealed object from any K shards whose roots were checked.
// shards has N places, nil where one is missing. buf is where the object is
// built (capacity Padded); a data shard that was read into its slot stays where it is,
// a missing one is computed in its slot. Returns CodeNotFound when fewer than K
// are there, CodeInvalid when one has the wrong length. The caller compares
// ObjectID of the answer with the id it asked for.
func (c Code) Join(buf []byte, sealed int64, shards [][]byte) ([]byte, error) {
	slots, err := c.Slots(buf, sealed)
	if err != nil {
		return nil, err
	}
	if err := c.check(sealed, shards); err != nil {
		return nil, err
	}
	if c.K == 1 {
		for _, s := range shards {
			if len(s) > 0 {
				settle(slots[0], s)
				return buf[:sealed], nil
			}
		}
	}
	whole, missing := append(make([][]byte, 0, c.N), shards...), 0
	for i, slot := range slots {
		if len(shards[i]) == 0 {
			whole[i] = slot[:0] // its capacity is where the shard is computed
			missing++
			continue
		}
		settle(slot, shards[i])
		whole[i] = slot
	}
	if missing == 0 {
		return buf[:sealed], nil
	}
	rs, err := reedsolomon.New(c.K, c.N-c.K)
	if err != nil {
		return nil, fmt.Errorf("code %d-of-%d: %w", c.K, c.N, err)
	}
	if err := rs.ReconstructData(whole); err != nil {
		return nil, fmt.Errorf("reconstruct %d-of-%d: %w", c.K, c.N, err)
	}
	return buf[:sealed], nil
}

// check counts what is there and looks at its lengths.
func (c Code) check(sealed int64, shards [][]byte) error {
	if len(shards) != c.N {
		return core.Invalid("vault.bad_shard", fmt.Errorf("%d places for %d shards", len(shards), c.N))
	}
	size, have := c.ShardSize(sealed), 0
	for i, s := range shards {
		if len(s) == 0 {
			continue
		}
		if int64(len(s)) != size {
			return core.Invalid("vault.bad_shard", fmt.Errorf("shard %d has %d bytes, want %d", i, len(s), size))
		}
		have++
	}
	if have < c.K {
		return core.NotFound("vault.too_few_shards", fmt.Errorf("%w: %d, want %d", errMissing, have, c.K)).
			With("Have", have).With("Want", c.K)
	}
	return nil
}

// settle copies a shard to its slot unless it was read there.
func settle(slot, shard []byte) {
	if &slot[0] != &shard[0] {
		copy(slot, shard)
	}
}
