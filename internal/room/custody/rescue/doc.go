// Package rescue gets a box opened for a hoster that lost everything: no node, no keys, no
// words; only its domain's name and the address of one member that keeps a share.
//
// Nothing proves who asks: the ask says so, and the holders' people call back. Between two
// runs all is kept in one file that opens the shares; who loses it asks anew.
//
// It imports share, ask, collect. Source: docs/spec/custody.md.
package rescue
