// Package home knows the other members as homes of people: where each signs its people
// in, by which keys, for which mail domains. All of it is from the members' logbooks, so
// it holds while any third party is gone.
//
// Words: a card is what a member says of itself as a home, one entry of its logbook. A
// visitor is a person here whose account is at a home. A home is shut when this hoster
// lets nobody in from it, whatever it promised.
//
// What never happens: a home speaks for a person of another home: who somebody is, is the
// pair of home and `sub`, and the home is the member whose keys signed. A person is given a
// second visitor. A mail address counts as verified outside the domains proved for the home.
//
// Source: docs/spec/identity.md
package home
