//go:build !long

package crash

// How much a run does.
const (
	kills     = 6
	killBytes = 30_000_000
)
