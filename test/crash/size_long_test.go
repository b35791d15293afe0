//go:build long

package crash

// How much a run does.
const (
	kills     = 50
	killBytes = 60_000_000

	// slowDisasters: also what waits minutes for those that do not answer.
	slowDisasters = true
)
