// Package core holds the words every part of entrechat shares: who a member is,
// what a grant promises, which errors a person can meet. It does no I/O and
// imports nothing but the standard library.
package core
