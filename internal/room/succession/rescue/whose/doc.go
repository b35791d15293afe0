// Package whose says what in a restored snapshot is whose, and opens that much of it and no more.
//
// Words: a share is a part of a snapshot as the pack describes it, with {user} in its path; an item
// is a share of one person, or of everybody; a view is an item, open for reading.
//
// What never happens: an item that another person's item lies in, or that two people have in
// common, is shown to anybody; a link leads out of a view; something is written.
//
// Source: docs/spec/succession.md#pack
package whose
