// Package record knows which services of others are readable here, what in them is whose, and how
// much was read.
//
// Words: who is a person by a keyed hash of their address, or of their name in a service.
//
// What never happens: a name or an address of a person stands in the database or in a log; they are
// in people.json of the rescue's own folder and nowhere else.
//
// Source: docs/spec/succession.md#rescue
package record
