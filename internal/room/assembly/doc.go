// Package assembly answers: what do people need, and what do we decide? People tell a hoster
// what is in their way and get an answer with a reason or a named member; what hosters decide
// together and what they learn from failures follow in folders of their own.
//
// Words: need (what somebody tries to do and what is in the way), answer (what the hoster says
// to it), voice ("me too" of one account or one confirmed address), private link (where the
// author reads the answer without an account).
//
// What always holds: nothing a person wrote is in a logbook, only salted digests and counts;
// nothing is published before a person of the hoster let it through; an address is used for
// the reply alone; a decision says what hosters decided, and changes nothing of any node.
//
// Folders, each imports only those before it: record, stranger, need, elector, tally,
// motion, archive, decision, debate, hall (the pages of decisions).
//
// Sources: shared/research/needs.md of the founding reports; docs/spec/assembly.md, docs/spec/decision.md,
// docs/spec/debate.md.
package assembly
