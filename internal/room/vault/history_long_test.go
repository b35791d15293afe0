//go:build long

package vault

import (
	"fmt"
	"testing"
)

// The same for more and longer histories.
func TestManyRandomHistories(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			liveThrough(t, 1000+seed, 30)
		})
	}
}
