// Package send gives people files out of a view: whole, in ranges, or a folder as one .zip.
//
// What never happens: a browser shows what was in somebody's data as a page of ours: everything is
// an attachment, in a sandbox, of a type that no browser runs.
//
// Source: docs/spec/succession.md#rescue
package send
