// Package grant reads, checks, compares and words promises: what a pact or a charter grants,
// with quantities.
//
// Source: docs/spec/pact.md#payload
package grant
