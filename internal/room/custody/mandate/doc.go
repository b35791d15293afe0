// Package mandate says how a decision of a collective stands that an ask to open a box names:
// for the people at a holder, who decide all the same.
//
// It imports no other folder of the room. Source: docs/spec/custody.md#ask.
package mandate
