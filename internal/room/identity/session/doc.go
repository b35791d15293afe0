// Package session knows who is signed in, in which browser.
//
// Words: a session is one person's stay in one browser, which a cookie names. amr is how the
// person proved who they are: "pwd", "otp", "hwk"... (RFC 8176). A step-up is proving it once
// more, for what must not be done by whoever finds a browser open.
//
// What never happens: a token kept in the clear, a token that outlives a sign-in, a session of
// a person who may not sign in.
//
// Source: docs/spec/identity.md
package session
