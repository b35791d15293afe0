//go:build !long

package mail

// How much is moved.
const (
	manyPeople  = 6
	manyLetters = 2000
)
