// Package wave mails people about the end of a service: at once, then 60, 30, 7 and 1 days before
// the last day, and when the day moves, somebody takes it over, or it is withdrawn.
//
// Words: a wave is one mail to everybody who has an account here.
//
// What never happens: somebody gets the mail of a wave twice, also when the node is killed while
// it sends; a mail that was refused is not tried again; a log line names a person.
//
// Source: docs/spec/succession.md#planned
package wave
