//go:build !long

package crash

// How much a run does.
const (
	kills     = 6
	killBytes = 30_000_000

	// slowDisasters: also what waits minutes for those that do not answer.
	slowDisasters = false
)
