package shard

import (
	"bytes"
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
)

func TestCodeFor(t *testing.T) {
	want := map[int]Code{
		-1: {1, 1}, 0: {1, 1}, 1: {1, 1}, 2: {1, 2}, 3: {1, 3}, 4: {2, 4}, 5: {3, 5}, 6: {4, 6}, 7: {4, 6}, 8: {4, 6}, 9: {6, 9}, 20: {6, 9},
	}
	for domains, code := range want {
		if got := CodeFor(domains); got != code {
			t.Errorf("CodeFor(%d) = %v, want %v", domains, got, code)
		}
		copies := CopiesFor(domains)
		if copies.K != 1 || copies.N-copies.K != code.N-code.K {
			t.Errorf("CopiesFor(%d) = %v does not outlive what %v does", domains, copies, code)
		}
		if code.N > max(domains, 1) || copies.N > max(domains, 1) {
			t.Errorf("%d domains cannot hold %v and %v", domains, code, copies)
		}
	}
}

// Any K of the N shards give the object back, built where the caller wants it.
func TestSplitThenJoinAnyK(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := drawCode(t)
		object := rapid.SliceOfN(rapid.Byte(), 1, 700).Draw(t, "object")
		n := int64(len(object))
		sealed := append(make([]byte, 0, code.Padded(n)), object...)
		parity := bytes.Repeat([]byte{0xee}, int(code.ParitySize(n)))
		shards, err := code.Split(sealed, parity)
		if err != nil {
			t.Fatal(err)
		}
		if &shards[0][0] != &sealed[0] {
			t.Fatal("the first data shard is a copy")
		}
		keep := rapid.Permutation(indexes(code.N)).Draw(t, "order")[:rapid.IntRange(code.K, code.N).Draw(t, "kept")]
		buf := bytes.Repeat([]byte{0xdd}, int(code.Padded(n)))
		slots, err := code.Slots(buf, n)
		if err != nil {
			t.Fatal(err)
		}
		have := make([][]byte, code.N)
		for _, i := range keep {
			have[i] = bytes.Clone(shards[i])
			if i < code.K && rapid.Bool().Draw(t, "read in place") {
				copy(slots[i], shards[i])
				have[i] = slots[i]
			}
		}
		got, err := code.Join(buf, n, have)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, object) || &got[0] != &buf[0] {
			t.Fatalf("joined %x, want %x in place", got, object)
		}
	})
}

func drawCode(t *rapid.T) Code {
	k := rapid.IntRange(1, 10).Draw(t, "k")
	return Code{k, rapid.IntRange(k, 14).Draw(t, "n")}
}

func indexes(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func TestJoinSaysWhatIsWrong(t *testing.T) {
	code := Code{2, 4}
	sealed := append(make([]byte, 0, 6), "hello"...)
	shards, err := code.Split(sealed, make([]byte, 6))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		shards [][]byte
		sealed int64
		buf    int
		want   core.Code
	}{
		"one of two":    {[][]byte{nil, nil, nil, shards[3]}, 5, 6, core.CodeNotFound},
		"short shard":   {[][]byte{shards[0][:2], nil, nil, shards[3]}, 5, 6, core.CodeInvalid},
		"three places":  {shards[:3], 5, 6, core.CodeInvalid},
		"small buffer":  {shards, 5, 5, core.CodeInvalid},
		"empty object":  {shards, 0, 6, core.CodeInvalid},
		"absurd length": {shards, MaxSealed + 1, 6, core.CodeInvalid},
	} {
		if _, err := code.Join(make([]byte, c.buf), c.sealed, c.shards); core.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := code.Split(sealed, make([]byte, 5)); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("small parity: %v", err)
	}
	if _, err := code.Split(sealed[:5:5], make([]byte, 6)); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("no room for padding: %v", err)
	}
}

// The vectors of docs/spec/shard.md: whoever writes another decoder checks it
// with these, and a library update that changed the matrix would show here.
func TestVectorsOfTheSpec(t *testing.T) {
	for _, v := range []struct {
		code   Code
		object string
		parity []string
	}{
		{Code{2, 4}, "0001020304", []string{"060b06", "050e04"}},
		{Code{3, 5}, "0001020304", []string{"0602", "0817"}},
		{Code{4, 6}, "00010203040506070809", []string{"fc15ca", "d71cef"}},
		{Code{6, 9}, "00010203040506070809", []string{"181b", "1012", "ce27"}},
	} {
		object, err := hex.DecodeString(v.object)
		if err != nil {
			t.Fatal(err)
		}
		n := int64(len(object))
		sealed := append(make([]byte, 0, v.code.Padded(n)), object...)
		shards, err := v.code.Split(sealed, make([]byte, v.code.ParitySize(n)))
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range shards[v.code.K:] {
			if got := hex.EncodeToString(s); got != v.parity[i] {
				t.Errorf("%v of %s: parity %d is %s, want %s", v.code, v.object, i, got, v.parity[i])
			}
		}
	}
}

func TestSumsStreamAsTheyHashAtOnce(t *testing.T) {
	data := bytes.Repeat([]byte("entrechat"), 50_000)
	h := NewHasher()
	for chunk := data; len(chunk) > 0; {
		n := min(len(chunk), 777)
		if _, err := h.Write(chunk[:n]); err != nil {
			t.Fatal(err)
		}
		chunk = chunk[n:]
	}
	if h.Sums() != SumsOf(data) {
		t.Fatal("streamed sums differ")
	}
}

func BenchmarkSplit4of6(b *testing.B) {
	code, n := Code{4, 6}, 16<<20
	sealed := make([]byte, n, code.Padded(int64(n)))
	parity := make([]byte, code.ParitySize(int64(n)))
	b.SetBytes(int64(n))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := code.Split(sealed, parity); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJoin4of6TwoLost(b *testing.B) {
	code, n := Code{4, 6}, 16<<20
	sealed := make([]byte, n, code.Padded(int64(n)))
	shards, err := code.Split(sealed, make([]byte, code.ParitySize(int64(n))))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(n))
	b.ReportAllocs()
	for b.Loop() {
		have := [][]byte{nil, shards[1], nil, shards[3], shards[4], shards[5]}
		if _, err := code.Join(sealed, int64(n), have); err != nil {
			b.Fatal(err)
		}
	}
}
