// Package box has what a deal's secret opens: one sealed text for each scope, an age file to
// the deal's recipient. It is sealed again without any share.
//
// Words: a scope is what a box is about ("root", "data:files"); an update is a box as its
// owner signs it, with a version that only rises.
//
// What never happens: an older version in the place of a newer one; a box that opens under
// another deal than the one its first line names.
//
// It imports share. Sources: docs/spec/custody.md, the age format v1 (C2SP).
package box
