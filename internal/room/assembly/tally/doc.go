// Package tally counts what a collective decided, from the entries of its members' logbooks
// alone: the same on every node, and in docs/spec/tally.py.
//
// Words: a question is one version of a proposal, as far as a count needs it. An entry is in
// time when its own time is and enough other members wrote that they had seen it. A line is
// what became of one member's ballot, with the reason where it does not count.
//
// What never happens: the order in which entries come, or one that came late, changes a
// result. An entry that a stranger made up stops the count. A clock or a database is read.
//
// It imports no other folder of the room. Source: docs/spec/decision.md
package tally
