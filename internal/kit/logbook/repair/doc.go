// Package repair compares every log on this disk with what its author signed, and mends
// what differs: tiles and rows are computed anew, leaves fetched from members that hold the
// log. What is fetched counts when the whole tree leads to the signed root again.
// spec: docs/spec/logbook.md#damage
package repair
