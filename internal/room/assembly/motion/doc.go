// Package motion is the documents of a decision and their rules: the proposal with its phases
// and electorate, remarks, objections, and the ballot, sealed and opened.
//
// What always holds: a document that is read has passed every rule that needs nothing but the
// document; whoever signs one passes the same rules first. Nothing here asks for the time, the
// disk or the network.
//
// It imports stranger (texts of people), elector and tally (what is counted).
// Source: docs/spec/decision.md.
package motion
