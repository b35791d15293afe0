// Package channel carries one message to one person, by the kind of channel they chose.
//
// Words: a sender knows one kind. A failure is certain when the message surely did not
// arrive; it is unsure when it may have.
//
// What never happens: a call to a private address for somebody's web address. A token, a
// topic or an address in an error. A text that becomes a header.
//
// Source: docs/spec/watch.md
package channel
