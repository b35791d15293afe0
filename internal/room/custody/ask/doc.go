// Package ask has what an ask for a box says, and the rules of when a holder may let its share
// go: the wait by its own running time, vetoes as strong as their keys.
//
// An ask's id is the hash of all it says, the recipient of the shares included: whoever
// changes anything has another ask, for which the wait begins anew.
//
// It imports share, box and mandate. Source: docs/spec/custody.md.
package ask
