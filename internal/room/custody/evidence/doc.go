// Package evidence shows to others that the holders of a box let it go, and checks what others
// show.
//
// What never happens: a box counts as let go on the word of who asked for it, of one holder twice,
// or of members that hold nothing.
//
// Source: docs/spec/custody.md#evidence
package evidence
