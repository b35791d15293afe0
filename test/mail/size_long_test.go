//go:build long

package mail

// How much is moved.
const (
	manyPeople  = 50
	manyLetters = 100_000
)
