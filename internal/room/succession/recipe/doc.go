// Package recipe moves the data of one program from one server to another, so that people can
// see what arrived.
//
// Words. A side is a server, or a folder with what a backup had: where data comes from, or goes
// to. A unit is what is moved at once: a mailbox, a user, a repository, or the whole. A count is one
// number taken on both sides. The table says of each part of the data whether it is kept, archived
// or lost. A step may be done again at any time; what it did until the cut can be undone.
//
// Each program has a folder of its own with the same shape: doc.go (what moves, versions,
// sources), settings.go (what a person writes), steps.go, count.go, and tests against the real
// program, or against its documented format, and then it says so.
//
// What never happens: a program's own word that it succeeded is taken for a count; a step deletes
// at the source before the cut; a step that broke off cannot be done again; two moves of one unit
// run at once.
//
// Source: docs/spec/succession.md#recipes
package recipe
