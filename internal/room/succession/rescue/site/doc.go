// Package site is what people of a lost service see: how it stands, and what is theirs, to read
// and to take away. Programs of theirs come by WebDAV and git.
//
// What never happens: somebody sees, or learns of, what is another's; a GET signs in, or uses
// something up; a request writes into the data; a page says that all is well where it says
// "read only".
//
// It imports record, whose, letin, send, mailbox, dav, gitread.
// Source: docs/spec/succession.md#rescue
package site
