// Package deadman hears the pings of backups and other work that runs by itself, and
// notices when one does not come.
//
// Words. A ping is one call of a target's address by the work itself: it began, it ended
// well, it failed. A token is the secret in that address; members know only its hash,
// which stands in the published target. Silence is a ping that did not come in time. The
// circle of a target is its owner and the voters on it: whoever of them gets a ping tells
// the others.
//
// What never happens: a token is stored, or goes to another member; the text that a ping
// brings goes to anybody but the target's owner; silence is concluded from a time in
// which the member that gets the pings was not there to hear.
//
// Source: docs/spec/watch.md#pings; the URLs are those of Healthchecks.
package deadman
