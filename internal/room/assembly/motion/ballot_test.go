package motion

import (
	"bytes"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/assembly/tally"
)

// Everybody reads how long a sealed ballot is before it is opened: it says nothing of the stance.
func TestSealedBallotsAreAsLongAsEachOther(t *testing.T) {
	seed, err := seal.NewSeed()
	if err != nil {
		t.Fatal(err)
	}
	words, err := seed.RecoveryIdentity()
	if err != nil {
		t.Fatal(err)
	}
	long := 0
	for _, c := range []tally.Choice{
		{Stance: tally.Agree},
		{Stance: tally.Concern},
		{Stance: tally.Aside},
		{Stance: tally.Object, Objection: strings.Repeat("a", 64)},
		{Grades: []int{5, 0}},
		{Grades: []int{0, 1, 2, 3, 4, 5, 0, 1, 2, 3}},
	} {
		b, err := Vote(strings.Repeat("f", 64), core.MemberID(strings.Repeat("a", 60)+".test"), c, words.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		if long == 0 {
			long = len(b.Sealed)
		}
		if len(b.Sealed) != long || len(b.Sealed) > tally.MaxSealed {
			t.Errorf("%v: %d bytes, others %d", c, len(b.Sealed), long)
		}
		back, err := Unseal(b.Sealed, b.Commit, words)
		if err != nil || !bytes.Equal(back, b.Opening) {
			t.Errorf("%v comes back as %s, %v", c, back, err)
		}
	}
}
