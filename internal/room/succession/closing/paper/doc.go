// Package paper keeps what owner and successors sign about the end of a service: offers,
// handovers, the owner's notice to its users, and the entries that name them.
//
// Words: an offer is a member's word that it would take a service over; a handover is the contract
// by which it does, signed by both; a notice is a short text of the owner's for its users.
//
// What never happens: a document counts that its members did not sign; a handover counts with one
// signature; two members are taken for the adopter because both name one handover.
//
// Source: docs/spec/succession.md#planned
package paper
