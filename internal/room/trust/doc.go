// Package trust answers one question for the whole house: may this member do
// this, now, with how much?
//
// Words. A member is a root key under an origin. Its standing with us is asked
// (it said hello), met (somebody we trust vouches for it) or added (a person of
// ours decided). A vouch is one member saying in its logbook "we know these
// people". A collective is the members that follow one charter. A pact is what
// two members promise each other, signed by both. A grant is one promise of a
// pact, or one of the light grants (login, watch) of a charter.
//
// What never happens here: an origin under another root key than the pinned one
// gains anything; a pact counts with one signature; an ended pact, a suspended
// or a refused member gets anything written; two parties hold different texts
// under one id; a person's name or address enters a logbook; one number mixes
// membership, trust and proof.
//
// Rights come from two places only, pacts and charters, and each node computes
// them for itself from signed entries.
//
// The parts: member knows the other hosters, pact what two promised each other,
// collective who is admitted to a charter, allowance what follows from both; grant,
// document, task and fact are what these share. This folder wires them and answers
// what other rooms ask.
//
// Sources: docs/spec/trust.md and docs/spec/pact.md; DSSE v1.0 for documents of
// two parties; GDPR article 28(3) for what a convention has to say.
package trust
