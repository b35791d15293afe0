// Package note holds what people write of incidents and maintenance. The logbook has only
// the hash of a text; the text lies beside, in SQL, and other members fetch it: so it can be
// taken down where a law asks for that, while the logbook stays as it is.
//
// Words: a note is an entry of a logbook that names a text. A document is the text with its
// salt; its SHA-256 is its name. A withdrawn text is gone, and the page says so.
//
// What never happens: a text with control characters or direction marks is stored or shown.
// A text that does not have the hash of its note is believed. A withdrawn text comes back.
//
// Source: docs/spec/incident.md#notes
package note
