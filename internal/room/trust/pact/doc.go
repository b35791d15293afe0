// Package pact makes, signs, delivers, reads and ends what two members promise each other.
//
// What never happens here: a pact counts with one signature; an ended pact comes back; two
// parties hold different texts under one id; a name or an address of a person enters a
// logbook. Both sign facts only; the convention people read is made of them and of words
// that never change.
//
// Sources: docs/spec/pact.md; GDPR article 28(3) for what a convention has to say
package pact
