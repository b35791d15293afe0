// Package need takes in what people need, and answers them: a form without account or
// script, moderation, answers with a state, and "me too" that is counted honestly.
//
// What never happens: something is shown before a person let it through. A GET changes
// anything. An address leaves the database but to write to its owner. A voice is counted
// twice, or without an account or a confirmed address.
//
// Of the room's folders it imports stranger. Source: docs/spec/assembly.md
package need
