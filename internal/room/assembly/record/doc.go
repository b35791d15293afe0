// Package record shows one decision of a collective, from one value, without asking anybody
// anything: minutes as Markdown and as one page to print, its pictures, the feed of decisions
// and the calendar of deadlines.
//
// What never happens: a stance is shown before the count is due, whatever the value holds.
// What a member wrote reaches a page but as Markdown without HTML. A colour says something
// that no word says.
//
// It imports no other folder of the room. Sources: docs/spec/decision.md, RFC 4287 (Atom),
// RFC 5545 and 7986 (calendar).
package record
