// Package statool reads and writes the properties files by which hosters of the
// CHATONS collective publish who they are and what they offer (StatoolInfos and
// its dialect ChatonsInfos), without losing a byte of what others wrote.
//
// Words. A document is one file: its bytes, cut into lines, and what the lines
// mean. A class is what the file describes: a federation, an organization, a
// service, metrics. A field is one key of the published list. A view is a Go
// struct made from the fields of a class. A finding is one remark on a document,
// with its line; a report is all of them.
//
// Reading is lenient: keys in any case, old and mistyped keys, dates day first,
// quoted addresses, decimal commas, lists by comma, Latin-1, CRLF, a byte order
// mark. Each of these is a finding, never a refusal. Writing is strict: what this
// package adds is lower case, ISO dates, lists by semicolon.
//
// What never happens here: a line nobody edited changes; "${HOME}" means
// anything; a value longer than the file is made; a view holds an address that
// is not http or https, or a control character; a rule that is only remembered,
// and was not read in a source, refuses a file.
//
// Sources: docs/spec/statoolinfos.md.
package statool
