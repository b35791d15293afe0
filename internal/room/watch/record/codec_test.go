package record

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
)

func drawRaw(t *rapid.T, from, length int64) raw {
	return raw{
		ms: from + rapid.Int64Range(0, length-1).Draw(t, "ms"), series: rapid.Int64Range(1, 20_000).Draw(t, "series"),
		flags: rapid.Byte().Draw(t, "flags"), took: rapid.Int64Range(0, most).Draw(t, "took"),
	}
}

func TestBlocksGiveBackWhatTheyWereGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		begun := rapid.Int64Range(0, 1<<41).Draw(t, "begun")
		var b []byte
		var want, got []raw
		before := begun
		for range rapid.IntRange(0, 50).Draw(t, "n") {
			r := drawRaw(t, begun, hourMS)
			b, before = appendRaw(b, before, r), r.ms
			want = append(want, r)
		}
		if err := eachRaw(seal(b), begun, func(r raw) { got = append(got, r) }); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v, then %v: %v", want, got, err)
		}
	})
}

func TestChunksGiveBackWhatTheyWereGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hour := rapid.Int64Range(0, 500_000).Draw(t, "hour")
		var want []raw
		for range rapid.IntRange(1, 100).Draw(t, "n") {
			r := drawRaw(t, hour*hourMS, hourMS)
			r.series, r.ms = 7, r.ms/unit*unit
			want = append(want, r)
		}
		slices.SortFunc(want, func(a, b raw) int { return int(a.ms - b.ms) })
		got, err := openChunk(7, hour, packChunk(hour, want))
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v, then %v: %v", want, got, err)
		}
	})
}

func TestOneFlippedBitIsSeen(t *testing.T) {
	c := newCodec()
	var all []raw
	for i := range 60 {
		all = append(all, c.raw(1, look.Result{At: core.Moment(i) * 60_000_000, Latency: 80 * time.Millisecond, Family: 4}))
	}
	chunk := packChunk(0, all)
	for bit := range len(chunk) * 8 {
		chunk[bit/8] ^= 1 << (bit % 8)
		if _, err := openChunk(1, 0, chunk); err == nil {
			t.Fatalf("bit %d flipped, and nobody noticed", bit)
		}
		chunk[bit/8] ^= 1 << (bit % 8)
	}
}

func FuzzOpenChunk(f *testing.F) {
	f.Add(packChunk(3, []raw{{ms: 3*hourMS + 100, took: 40}, {ms: 3*hourMS + 60_000, took: 45, flags: 4}})[:6])
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := openChunk(1, 3, seal(b)) // as who could compute the sum
		if err == nil && len(all) > 0 && slices.IsSortedFunc(all, func(a, b raw) int { return int(a.ms - b.ms) }) {
			if again, err := openChunk(1, 3, packChunk(3, all)); err != nil || !slices.Equal(all, again) {
				t.Fatalf("%v, then %v: %v", all, again, err)
			}
		}
		_ = eachRaw(seal(b), 0, func(raw) {})
		_, _ = newCodec().openClasses(b)
	})
}

func TestSums(t *testing.T) {
	c := newCodec()
	var all []raw
	for i := range 100 {
		all = append(all, c.raw(1, look.Result{Latency: time.Duration(i+1) * time.Millisecond}))
	}
	for _, class := range []look.Class{look.Timeout, look.Timeout, look.Unfit, "one of tomorrow"} {
		all = append(all, c.raw(1, look.Result{Class: class, Latency: 10 * time.Second}))
	}
	s := c.sum(all)
	want := Sum{
		Classes: map[look.Class]int64{look.Fine: 100, look.Timeout: 2, look.Unfit: 1, other: 1},
		P50:     50 * time.Millisecond, P95: 95 * time.Millisecond,
	}
	if d := cmp.Diff(want, s); d != "" {
		t.Error(d)
	}
	if n, failed := s.Looks(); n != 103 || failed != 3 {
		t.Errorf("%d looks, %d failed", n, failed)
	}
	if got, err := c.openClasses(c.packClasses(s)); err != nil || cmp.Diff(s.Classes, got) != "" {
		t.Errorf("%v: %v", got, err)
	}
	if s := c.sum(nil); s.P50 != 0 || s.P95 != 0 {
		t.Errorf("no look: %+v", s)
	}
}
