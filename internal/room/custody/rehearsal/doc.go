// Package rehearsal rehearses once a year what happens when somebody is gone: a dummy is dealt
// to the same holders, asked for and opened by the same code and on the same screens, and the
// time until enough shares came is noted.
//
// It imports share, ask, collect, breakglass. Source: docs/spec/custody.md.
package rehearsal
