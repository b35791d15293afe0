// Package account is a person's own page: what is known of them, how they sign in, where they
// are signed in, what they want done when the hoster closes, all of it to take along, and the
// way out.
//
// What never happens: anything that opens an account changed by who signed in more than ten
// minutes ago. A hash, a secret or a token in what a person takes along. Another person's
// data shown.
//
// Source: docs/spec/identity.md
package account
