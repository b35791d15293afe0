package encoding

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/shard"
)

// Encoding in windows gives what encoding at once gives, and any K bring the object
// back, in place.
func TestWindowsAreTheWhole(t *testing.T) {
	dir := t.TempDir()
	for _, code := range []shard.Code{{K: 1, N: 3}, {K: 2, N: 4}, {K: 4, N: 6}, {K: 6, N: 9}} {
		for _, length := range []int64{1, 7, window, 4*window + 1, 9*window - 3} {
			object := randomBytes(int(length), byte(code.N))
			whole := append(make([]byte, 0, code.Padded(length)), object...)
			want, err := code.Split(whole, make([]byte, code.ParitySize(length)))
			if err != nil {
				t.Fatal(err)
			}
			p, err := Encode(bytes.NewReader(object), length, code, dir)
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				got, err := io.ReadAll(p.Reader(i))
				if err != nil || !bytes.Equal(got, want[i]) {
					t.Fatalf("%v of %d bytes: shard %d differs, %v", code, length, i, err)
				}
				h := p.Header(shard.Header{}, i)
				if full := (shard.Header{}).Of(i, want[i]); h.Root != full.Root || h.SHA256 != full.SHA256 || h.Length != full.Length {
					t.Fatalf("%v: header of %d differs", code, i)
				}
			}
			if code.K > 1 {
				repairWithout(t, dir, code, want, object)
			}
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Fatalf("left behind: %v %v", left, err)
	}
}

// repairWithout loses the first N-K data shards.
func repairWithout(t *testing.T, dir string, code shard.Code, shards [][]byte, object []byte) {
	t.Helper()
	f, err := local.NewTemp(dir)
	if err != nil {
		t.Fatal(err)
	}
	size, have := code.ShardSize(int64(len(object))), make([]int64, code.N)
	for i := range shards {
		have[i] = int64(i) * size
		if i < code.N-code.K && i < code.K {
			have[i] = -1
			continue
		}
		if _, err := f.WriteAt(shards[i], have[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := Repair(f.File, code, size, have); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(object))
	if _, err := f.ReadAt(got, 0); err != nil && !errors.Is(err, io.EOF) || !bytes.Equal(got, object) {
		t.Fatalf("%v of %d bytes does not come back: %v", code, len(object), err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func randomBytes(n int, seed byte) []byte {
	out := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(out)
	return out
}
