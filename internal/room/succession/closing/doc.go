// Package closing ends a service as announced: its stages are said in the owner's logbook, a
// member may take it over, and every member knows where it stands.
//
// Words: a stage is how far it has come; an offer is a member's word that it would take it over;
// a handover is the contract by which it does.
//
// What never happens: an entry that the rules pass over is written by this node; a contract is
// signed without a person; something of a person stands in a logbook.
//
// Its folders: stage (rules), choice (what people want done), paper (contracts and notices), wave
// (mails), farewell (what users read). Source: docs/spec/succession.md#planned
package closing
