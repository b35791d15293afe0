// Package heir says whether a member may ask for a box of a silent owner because the owner named it
// to take a service over: another room knows who was named, and who is silent.
//
// What never happens: a successor asks for what would make it the owner (root, domain, assets); it
// is let in where nobody can say that it was named.
//
// It imports ask. Source: docs/spec/custody.md#successors.
package heir
