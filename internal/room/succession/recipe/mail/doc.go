// Package mail moves mailboxes to a Dovecot: from another Dovecot with Postfix, from a backup of one, or
// from whatever answers IMAP.
//
// What comes along, and how. Messages with their flags, folders, subscriptions, filters (Sieve) and shared
// folders (ACL) are copied by doveadm, which keeps the number that clients know each message by
// (UID) and what says that the numbers are still good (UIDVALIDITY). Password hashes are lines of a
// passwd-file. Aliases are compared by asking both servers about each of them. Contacts and
// identities of Roundcube live on when its rows name the new IMAP server. When only IMAP is left,
// doveadm's imapc fetches by it, UIDs included.
//
// A mailbox is not writable from the freeze to the cut: at the old server the sign-in is denied by a
// passwd-file with deny = yes, and Postfix holds what arrives by a line of a transport table; at
// the cut that line sends it to the new server.
//
// What never happens: doveadm's word is taken for a count (headers and bodies of every message are
// fetched from both sides and hashed); the last pass is another "backup", which would delete at the target;
// a target mailbox that holds mail of its own is copied over; a password or a subject is logged.
//
// Sources: doveadm-sync(1), doc.dovecot.org 2.3 (passwd-file, deny, imapc), transport(5), postqueue(1),
// RFC 3501; tried with Dovecot 2.3.19, Postfix 3.7, Roundcube 1.6. docs/spec/succession.md#recipes.
package mail
