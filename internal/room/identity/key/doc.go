// Package key holds the keys that this node signs sign-ins with: for the hoster's own
// services, and for the other members.
//
// Words: a key is published from the day it is made; it signs from its own moment on, a day
// later, when everybody has had time to fetch it; it stays published until whatever it
// signed has ended. A rotation makes the next key of each algorithm.
//
// What never happens: a private half in what is published. A moment without a signing key.
// Half a file: a rotation that is killed has happened or has not.
//
// Source: OpenID Connect Core 1.0 section 10.1.1; RFC 7517
package key
