package vault

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"entrechat/internal/room/vault/shard"
)

// sealed is a file as it came to lie on the shelf.
type sealed struct {
	shelf  string // name on the shelf
	id     shard.Hash
	to     string // the repository's recipient
	size   int64  // of the plain file
	length int64  // of the age file
}

// seal reads a file to its end, seals it on the way, and puts it on the shelf,
// where it is on disk when seal returns. This is the only time it is sealed: its
// id is fixed here, so that whatever dies later, the same shards are sent again.
func (r *Room) seal(ctx context.Context, repo string, body io.Reader) (sealed, error) {
	recipients, own, err := r.keyring.Recipients(ctx, repo)
	if err != nil {
		return sealed{}, err
	}
	plain := &counter{r: body}
	ciphertext, err := age.EncryptReader(plain, recipients...)
	if err != nil {
		return sealed{}, fmt.Errorf("seal: %w", err)
	}
	sum := shard.NewRootHasher()
	s := sealed{shelf: newShelfName(), to: own}
	if s.length, err = r.shelf.Put(ctx, s.shelf, io.TeeReader(ciphertext, sum)); err != nil {
		return sealed{}, err
	}
	s.size = plain.n
	s.id = sum.Sums().Root
	return s, nil
}

// newShelfName draws a name; the catalogue says what lies under it.
func newShelfName() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says crypto/rand
	name := hex.EncodeToString(b[:])
	return name[:2] + "/" + name
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// chunk is age's unit of decryption in bytes; reading by the same unit opens each
// once.
const chunk = 64 << 10

// plainFile reads a sealed file in plain, seeking as it likes.
type plainFile struct {
	from  io.ReaderAt
	close func() error
	size  int64
	off   int64
	buf   []byte // the chunk at start
	start int64
	// broken is told that the sealed file is damaged; may be nil.
	broken func()
}

func (f *plainFile) Read(p []byte) (int, error) {
	if f.off >= f.size {
		return 0, io.EOF
	}
	if f.off < f.start || f.off >= f.start+int64(len(f.buf)) {
		if err := f.fill(f.off / chunk * chunk); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.buf[f.off-f.start:])
	f.off += int64(n)
	return n, nil
}

func (f *plainFile) fill(start int64) error {
	if f.buf == nil {
		f.buf = make([]byte, 0, chunk)
	}
	want := min(chunk, f.size-start)
	n, err := f.from.ReadAt(f.buf[:want], start)
	if err != nil && (!errors.Is(err, io.EOF) || int64(n) < want) {
		f.buf = f.buf[:0]
		if f.broken != nil {
			f.broken()
		}
		return fmt.Errorf("read sealed file: %w", err)
	}
	f.buf, f.start = f.buf[:want], start
	return nil
}

// Seek moves as io.Seeker says.
func (f *plainFile) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.off
	case io.SeekEnd:
		offset += f.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the start")
	}
	f.off = offset
	return offset, nil
}

// Close closes the file below.
func (f *plainFile) Close() error { return f.close() }
