// Package move runs recipes, with a journal of what was begun.
//
// A move copies while the service lives, as often as wanted; it freezes the source, copies what is
// left, counts both sides and tries a sign-in and a delivery; then a person cuts, or undoes all of
// it. Each command may be killed at any moment and run again.
//
// What never happens: a cut without equal counts of everything; two processes in one move; two moves
// of one thing at once; a secret of the settings in the database.
//
// Source: docs/spec/succession.md#recipes
package move
