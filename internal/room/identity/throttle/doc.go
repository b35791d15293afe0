// Package throttle says how often somebody may guess a password or a code, and how often
// strangers may have us ask others (Meter).
//
// Words: an account is what somebody claims to be, whether or not it exists. A place is
// where a guess comes from: a network, or a browser we know. A known browser has a cookie of
// an earlier good sign-in at that account.
//
// Four bounds stand behind one another. A network may guess so often, whatever it guesses
// at; a place so often at one account, with growing delays; all places together so often at
// one account, known browsers aside; and all networks together so often.
//
// What never happens: a session that ends because somebody guesses. A known browser that
// waits because strangers guess. A guess that is not counted because others came at the
// same moment. A name of an account on the disk.
//
// Honest limit: while very many networks guess at one account, a browser that never signed in
// there may be told to come back in up to a quarter of an hour; a passkey is never slowed.
//
// Source: docs/spec/identity.md; OWASP, "Slow Down Online Guessing Attacks with Device Cookies".
package throttle
