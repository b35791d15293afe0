// Package alert tells people: it keeps the contact plan, hands it to the members that
// vote for us, takes notices in, and puts together what the folders below do.
//
// The folders, each of which imports only those named before it:
//
//	contact   people, channels, quiet hours, rota: the contact plan
//	channel   one message by one channel
//	delivery  notices on their way to people
//
// Words: a teller is who sends alerts of an owner: its own node first, then its voters in
// the order of their rank.
//
// What never happens: a plan goes to somebody who does not vote for us. A foreign plan is
// kept once its owner withdrew it or the promise ended. An acknowledgement by a program
// that only follows links.
//
// Source: docs/spec/watch.md
package alert
