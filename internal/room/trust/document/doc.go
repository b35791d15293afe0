// Package document holds what documents of several parties have in common: an id that is
// the hash of what is signed, signatures of DSSE v1.0, and texts that are fit to be shown.
//
// Source: docs/spec/documents.md
package document
