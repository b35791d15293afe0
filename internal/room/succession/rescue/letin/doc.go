// Package letin lets people of a lost service in: by a link that is mailed to the address that the
// pack has of them, or by one that our admins give them; with passwords for programs.
//
// Words: a link signs one person in, once, within 30 minutes; a pass is what says in a browser or
// a program who one is.
//
// What never happens: the answer to an address says whether it is known, neither by its words nor
// by its time; a GET uses a link up; anything is mailed but links; an address is kept after its
// mail went out.
//
// Source: docs/spec/succession.md#rescue
package letin
