// Package quorum is this node's part in all verdicts: it suspects what its looks find,
// asks the other voters, votes when they ask, collects and checks certificates, and tells
// the rest of the node what stands.
//
// Words: a case is one vote on one target, named by its nonce. The collector is who began
// it. A call is one question for a vote. The ledger is where all of it is stored; what the
// rules in package verdict need is read into memory at the start.
//
// What never happens: a look is taken for who has no vote. A call is answered twice. A
// verdict is believed before it is stored, or told before it is believed. A failure is
// voted while we are cut off ourselves. Work waits for a logbook.
//
// Source: docs/spec/watch.md#verdicts
package quorum
