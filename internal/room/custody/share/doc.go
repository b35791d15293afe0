// Package share splits the secret of a box among holders and puts it together
// again: Shamir's sharing over ristretto255 with Feldman's commitments, so that
// every holder can check its own share and a wrong one is named. It knows no
// database, no clock and no member. spec: docs/spec/custody.md
//
// The library (circl) checks little: its Recover takes any shares, panics on two
// of one number and on number zero, and its proofs panic on the identity element.
// Nothing foreign reaches it here before its form is checked.
package share
