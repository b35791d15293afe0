package retrieve

import (
	"errors"
	"fmt"
	"io"
)

// chunk is age's unit of decryption in bytes; reading by the same unit opens each
// once.
const chunk = 64 << 10

// Plain reads a sealed file in plain, seeking as it likes.
type Plain struct {
	from  io.ReaderAt
	close func() error
	size  int64
	off   int64
	buf   []byte // the chunk at start
	start int64
	// broken is told that the sealed file is damaged; may be nil.
	broken func()
}

func (f *Plain) Read(p []byte) (int, error) {
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

func (f *Plain) fill(start int64) error {
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
func (f *Plain) Seek(offset int64, whence int) (int64, error) {
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
func (f *Plain) Close() error { return f.close() }
