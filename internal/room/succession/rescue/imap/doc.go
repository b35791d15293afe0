// Package imap writes what a stock Dovecot (2.3) needs to show the mailboxes of a rescue, read only:
// one user for each person, the password for programs of the pages, rights to look and read and no
// others, indexes in memory.
//
// What never happens: Dovecot gets a right to write below the data: it is to run on the sealed tree,
// with ACLs that allow `lr` alone, and what it must note lies elsewhere.
//
// Sources: doc.dovecot.org/2.3 (mail_location, acl, passwd-file), docs/spec/succession.md#rescue
package imap
