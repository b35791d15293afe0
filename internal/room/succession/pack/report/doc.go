// Package report tells people how packs stand: commands, an admin's pages, doctor's questions,
// numbers, and the lines of the limits page.
//
// What never happens: a page or a command asks more of a person than to prove one service again;
// colour says what no word says.
//
// It imports pack, fill and promise. Source: docs/spec/succession.md#pack
package report
