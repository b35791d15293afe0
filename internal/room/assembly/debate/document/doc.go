// Package document has what members send each other in debates: reports, readings, questions
// and remarks, each signed by its author's online key and named by the SHA-256 of its payload,
// and the texts that stand in them.
//
// What never happens: a document is read before its signature was verified, or one is shown
// that breaks the rules of our own forms.
//
// It imports no other folder of debates. Source: docs/spec/debate.md
package document
