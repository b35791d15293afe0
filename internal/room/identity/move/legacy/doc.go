// Package legacy is what a home leaves to the successors of its accounts, for the day it is gone:
// what it says of it in its logbook, who may take it up, and when.
//
// Words: a legacy release lets a person go to a successor once the home is dead; an estate is the
// accounts of a dead home, for one successor; taken up is a release that a successor says it made
// an account of.
//
// What never happens: an estate of a home that gave a sign of life since its custodians were asked;
// one for a member that the home did not name for 30 days, or to which the custodians did not let
// the accounts go.
//
// Source: docs/spec/identity.md#a-home-that-died
package legacy
