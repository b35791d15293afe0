// Package mail looks at mail servers: SMTP and IMAP.
//
// What never happens: mail is sent, an account is tried, a word is said over a connection
// that stays open after the look.
//
// The protocols are read here with the standard library, line by line, and not by the mail
// libraries: a look wants the time of each part, the reason of a failure and a bound on
// what it reads, and asks three questions only.
//
// Source: docs/spec/watch.md#looks; RFC 5321, RFC 3207, RFC 8314, RFC 9051.
package mail
