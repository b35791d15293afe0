//go:build long

package crash

// How much a run does.
const (
	kills     = 50
	killBytes = 60_000_000
)
