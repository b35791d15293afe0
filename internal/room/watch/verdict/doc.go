// Package verdict decides what is up and what is down, together with the other members
// that look at the same target. There is no consensus engine: who suspects a failure asks
// all voters of the target for fresh, signed votes, twice, and a majority is a certificate
// that anybody can check.
//
// Words: a vantage is a member that looks. The voters of a target are the members that may
// vote on it, drawn anew each month. A suspicion starts a vote. A certificate is the votes
// that prove a verdict. Unfit is a voter that cannot trust its own looks.
//
// What never happens: an old vote counts. The owner's own look counts beside others'. A
// state nobody could establish is shown as up.
//
// Source: docs/spec/watch.md#verdicts
package verdict
