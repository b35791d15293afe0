//go:build long

package tally_test

import "testing"

// A hundred thousand elections are counted alike here and by docs/spec/tally.py.
func TestSameAsPythonLong(t *testing.T) { sameAsPython(t, 100_000) }
