// Package farewell is what the users of a hoster read when it closes, or vanishes: what happened,
// what is saved as of when, who takes over, what to do, until when.
//
// What never happens: the page needs the hoster to answer; it says what nobody knows; it asks for
// more than one thing to do.
//
// Source: docs/spec/succession.md#the-page-of-the-users
package farewell
