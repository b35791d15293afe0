// Package archive keeps what logbooks and documents say of decisions: entries as they are read,
// the documents that they name, fetched from whoever has them, and what is counted from both.
// What we have to say lies here until our logbook has it.
//
// Words: chain (a proposal and the versions that took its place), paper (a document that is
// here), want (one that a logbook names and that is not here yet), saying (an entry of ours on
// its way into our logbook).
//
// What always holds: an entry of ours is written once, or not at all; a text that its author took
// back is gone; nothing is fetched of who may not speak; what is fetched is bounded in size and
// number.
//
// It imports elector, tally, motion. Source: docs/spec/decision.md.
package archive
