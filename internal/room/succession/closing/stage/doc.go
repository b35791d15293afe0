// Package stage says where the planned end of a service stands, from what its owner's logbook
// says of it.
//
// Words: a stage is how far the end has come; a standing is a closing with its stage, as every node
// computes it; the notice is how many days lie between the first word and the last day.
//
// What never happens: a stage goes back; a last day moves earlier; two nodes with the same logbook
// see two standings, whatever the day on which they read it.
//
// Source: docs/spec/succession.md#planned
package stage
