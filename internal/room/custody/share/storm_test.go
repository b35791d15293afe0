package share

import (
	"errors"
	"math/rand/v2"
	"testing"

	"entrechat/internal/core"
)

// order is the group's order, little endian.
var order = [32]byte{
	0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
}

// plusOrder is the same scalar in an encoding that is not canonical.
func plusOrder(v [32]byte) (sum [32]byte) {
	carry := 0
	for i := range v {
		carry += int(v[i]) + int(order[i])
		sum[i] = byte(carry)
		carry >>= 8
	}
	return sum
}

// storm is one deal, another one, and what is given of them.
type storm struct {
	r              *rand.Rand
	secret         Secret
	shares, others []Share
	c              Commitments
}

func newStorm(t *testing.T, r *rand.Rand) storm {
	t.Helper()
	s := storm{r: r}
	n := 3 + r.IntN(4)
	k := 2 + r.IntN(n-2)
	for _, into := range []*[]Share{&s.others, &s.shares} { // the second is the true one
		id, err := NewID()
		if err != nil {
			t.Fatal(err)
		}
		if s.secret, err = New(); err != nil {
			t.Fatal(err)
		}
		if *into, s.c, err = s.secret.Split(id, k, n); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// spoil answers a share that is not the true one of its number, in one of many ways.
func (s storm) spoil(one Share) Share {
	switch s.r.IntN(9) {
	case 0: // a bit flips
		one.value[s.r.IntN(32)] ^= 1 << s.r.IntN(8)
	case 1: // of another deal
		return s.others[one.Number-1]
	case 2: // of another deal, saying it is of ours
		foreign := s.others[one.Number-1]
		foreign.Deal = one.Deal
		return foreign
	case 3: // nothing
		return Share{}
	case 4: // zero
		one.value = [32]byte{}
	case 5: // not canonical
		one.value = plusOrder(one.value)
	case 6: // number zero, or another's
		one.Number = []int{0, -1, 65, 256, one.Number%len(s.shares) + 1}[s.r.IntN(5)]
	case 7: // another threshold
		one.K = []int{0, 1, one.K + 1, 64, 300}[s.r.IntN(5)]
	case 8: // bytes of anybody
		for i := range one.value {
			one.value[i] = byte(s.r.Uint32())
		}
	}
	return one
}

// pick gives some shares: true ones, doubles, spoiled ones.
func (s storm) pick() []Share {
	given := make([]Share, 0, 9)
	for range s.r.IntN(len(s.shares) + 3) {
		one := s.shares[s.r.IntN(len(s.shares))]
		if s.r.IntN(8) == 0 {
			one = s.spoil(one)
		}
		given = append(given, one)
	}
	return given
}

// judge says what recovering the given shares must do, by comparing bytes alone.
func (s storm) judge(given []Share) (bad map[int]bool, good int) {
	bad, seen := map[int]bool{}, map[int]bool{}
	for _, one := range given {
		if one.Number >= 1 && one.Number <= len(s.shares) && one == s.shares[one.Number-1] {
			seen[one.Number] = true
		} else {
			bad[one.Number] = true
		}
	}
	return bad, len(seen)
}

// No recovery gives another secret than the one that was split, none panics, and what
// stops one is named.
func TestStorm(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	var s storm
	outcomes := map[string]int{}
	for i := range storms {
		if i%50 == 0 {
			s = newStorm(t, r)
		}
		given := s.pick()
		bad, good := s.judge(given)
		got, err := Recover(s.c, given)
		named, isBad := errors.AsType[*BadShareError](err)
		switch {
		case len(bad) > 0:
			outcomes["bad"]++
			if !isBad || !bad[named.Number] || got != (Secret{}) {
				t.Fatalf("trial %d: %v, bad are %v", i, err, bad)
			}
		case good < s.c.K():
			outcomes["too few"]++
			if core.CodeOf(err) != core.CodeNotFound || got != (Secret{}) {
				t.Fatalf("trial %d: %d of %d: %v", i, good, s.c.K(), err)
			}
		default:
			outcomes["recovered"]++
			if err != nil || got != s.secret {
				t.Fatalf("trial %d: %v, or another secret", i, err)
			}
		}
	}
	t.Log(outcomes)
	for _, o := range []string{"bad", "too few", "recovered"} {
		if outcomes[o] < storms/50 {
			t.Errorf("%s: only %d of %d trials: the test tries too little", o, outcomes[o], storms)
		}
	}
}
