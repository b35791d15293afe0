package encoding

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/shard"
)

// window is how many bytes of each shard are in memory at once. The code works
// byte by byte, so encoding or joining windows gives the windows of the whole: an
// object of any size costs about K+N windows, not itself and its parity.
const window = 256 << 10

// padded reads a sealed object as if zeroes followed it for ever, as the code pads
// it.
type padded struct {
	r      io.ReaderAt
	length int64
}

func (p padded) ReadAt(b []byte, off int64) (int, error) {
	there := min(max(p.length-off, 0), int64(len(b)))
	if there > 0 {
		if n, err := p.r.ReadAt(b[:there], off); err != nil && (!errors.Is(err, io.EOF) || int64(n) < there) {
			return n, err
		}
	}
	clear(b[there:])
	return len(b), nil
}

// Pieces are the shards of an object on disk: data shards are parts of the object
// itself, parity shards lie one after the other in a file of their own.
type Pieces struct {
	code   shard.Code
	size   int64 // of each shard
	sealed padded
	parity *local.Temp // nil for copies
	sums   []shard.Sums
}

// Encode computes the parity of a sealed object of length bytes, and the hashes of all
// its shards. Parity lies in a temporary file in dir. The caller closes the pieces, and leaves
// the object open until then.
func Encode(sealed io.ReaderAt, length int64, code shard.Code, dir string) (_ *Pieces, err error) {
	p := &Pieces{code: code, size: code.ShardSize(length), sealed: padded{sealed, length}}
	hashers := make([]*shard.Hasher, code.N)
	for i := range hashers {
		hashers[i] = shard.NewHasher()
	}
	if code.K == 1 {
		if _, err := io.Copy(hashers[0], p.Reader(0)); err != nil {
			return nil, fmt.Errorf("hash object: %w", err)
		}
		p.sums = []shard.Sums{hashers[0].Sums()}
		return p, nil
	}
	if p.parity, err = local.NewTemp(dir); err != nil {
		return nil, err
	}
	data, parity := make([]byte, int64(code.K)*window), make([]byte, int64(code.N-code.K)*window)
	for off := int64(0); off < p.size; off += window {
		if err := p.encodeWindow(hashers, data, parity, off); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	for _, h := range hashers {
		p.sums = append(p.sums, h.Sums())
	}
	return p, nil
}

// encodeWindow does the bytes from off of every shard.
func (p *Pieces) encodeWindow(hashers []*shard.Hasher, data, parity []byte, off int64) error {
	n := min(window, p.size-off)
	data = data[:int64(p.code.K)*n]
	for i := range p.code.K {
		if _, err := p.sealed.ReadAt(data[int64(i)*n:int64(i+1)*n], int64(i)*p.size+off); err != nil {
			return fmt.Errorf("read object: %w", err)
		}
	}
	shards, err := p.code.Split(data, parity)
	if err != nil {
		return err
	}
	for i, s := range shards {
		_, _ = hashers[i].Write(s)
		if i < p.code.K {
			continue
		}
		if _, err := p.parity.WriteAt(s, int64(i-p.code.K)*p.size+off); err != nil {
			return fmt.Errorf("write parity: %w", err)
		}
	}
	return nil
}

// Reader reads one shard. Copies are all alike.
func (p *Pieces) Reader(i int) io.Reader {
	switch {
	case p.code.K == 1:
		return io.NewSectionReader(p.sealed, 0, p.size)
	case i < p.code.K:
		return io.NewSectionReader(p.sealed, int64(i)*p.size, p.size)
	}
	return io.NewSectionReader(p.parity, int64(i-p.code.K)*p.size, p.size)
}

// Header fills in what a header says of one shard.
func (p *Pieces) Header(h shard.Header, i int) shard.Header {
	h = h.Of(i, nil)
	sums := p.sums[min(i, len(p.sums)-1)]
	h.Length, h.Root, h.SHA256 = p.size, sums.Root, sums.SHA256
	return h
}

// Close removes what Encode wrote.
func (p *Pieces) Close() error {
	if p.parity == nil {
		return nil
	}
	return p.parity.Close()
}

// Repair computes, in place, the data shards of an object that are missing. have says
// where in the file each shard at hand begins, by index; those absent are
// negative. Data shards that are there lie in their place.
func Repair(f *os.File, code shard.Code, size int64, have []int64) error {
	if !slices.ContainsFunc(have[:code.K], absentAt) {
		return nil
	}
	buf := make([]byte, int64(code.N)*window)
	for off := int64(0); off < size; off += window {
		n := min(window, size-off)
		shards, err := readWindow(f, have, off, buf[:int64(code.N)*n])
		if err != nil {
			return err
		}
		joined, err := code.Join(buf[:int64(code.K)*n], int64(code.K)*n, shards)
		if err != nil {
			return err
		}
		for i, at := range have[:code.K] {
			if !absentAt(at) {
				continue
			}
			if _, err := f.WriteAt(joined[int64(i)*n:int64(i+1)*n], int64(i)*size+off); err != nil {
				return fmt.Errorf("write shard: %w", err)
			}
		}
	}
	return nil
}

func absentAt(at int64) bool { return at < 0 }

// readWindow reads the bytes from off of every shard at hand, each to its place in
// buf.
func readWindow(f *os.File, have []int64, off int64, buf []byte) ([][]byte, error) {
	n := len(buf) / len(have)
	shards := make([][]byte, len(have))
	for i, at := range have {
		if absentAt(at) {
			continue
		}
		shards[i] = buf[i*n : (i+1)*n]
		if _, err := f.ReadAt(shards[i], at+off); err != nil {
			return nil, fmt.Errorf("read shard: %w", err)
		}
	}
	return shards, nil
}

// ObjectID hashes a sealed object of length bytes on disk.
func ObjectID(r io.ReaderAt, length int64) (shard.Hash, error) {
	h := shard.NewRootHasher()
	if _, err := io.Copy(h, io.NewSectionReader(r, 0, length)); err != nil {
		return shard.Hash{}, fmt.Errorf("hash object: %w", err)
	}
	return h.Sums().Root, nil
}
