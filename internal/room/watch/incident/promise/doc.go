// Package promise keeps what hosters promise for a service, and holds it against what was
// measured. The arithmetic is pure: it takes intervals, plans and the time.
//
// Words: a promise is what was said of one service at one time; the last one counts. The
// budget is how long a service may be away in a month. Away is the time that uses it up.
//
// What never happens: a promise is loosened for a month that runs. Unknown time counts as
// up, or as kept.
//
// Source: docs/spec/incident.md#promises
package promise
