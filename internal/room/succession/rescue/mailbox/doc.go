// Package mailbox reads a Maildir++ without writing in it: its folders, lists of messages, and one
// file in mbox form of each folder.
//
// Sources: https://cr.yp.to/proto/maildir.html, RFC 4155 (mbox; quoted as mboxrd, so that it can be
// undone), RFC 3501 section 5.1.3 (names of folders), docs/spec/succession.md#rescue.
package mailbox
