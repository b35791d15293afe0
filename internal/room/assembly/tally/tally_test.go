package tally_test

import (
	"testing"

	"entrechat/internal/room/assembly/tally"
)

// The smallest q with 4q² ≥ 9n, by hand: 4·8² = 256 ≥ 234 = 9·26 > 196 = 4·7²; 4·15² = 900 = 9·100.
func TestQuorum(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 2: 2, 3: 3, 4: 3, 5: 4, 26: 8, 100: 15, 101: 16, 500: 34} {
		if got := tally.Quorum(n); got != want {
			t.Errorf("%d members: %d, want %d", n, got, want)
		}
	}
}
