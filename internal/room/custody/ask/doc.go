// Package ask opens a box when somebody is gone: an ask, a wait that each holder counts by
// its own clock, vetoes, the release of shares, and the list of what must be changed after.
//
// An ask's id is the hash of all it says, the recipient of the shares included: whoever
// changes anything has another ask, for which the wait begins anew. Nothing here opens by
// silence: a person at each holder releases, or nobody does.
//
// Source: docs/spec/custody.md.
package ask
