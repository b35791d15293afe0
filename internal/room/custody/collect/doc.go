// Package collect is what passes between who asks and the holders, and puts together what
// holders hand out: the shares that hold, the deal they are of, the box that they open. It
// knows no database and no clock.
//
// It imports share and ask. Source: docs/spec/custody.md.
package collect
