// Package rescue makes a lost service readable at its successor: it restores the newest snapshot
// that a pointer opens, and shows each person what is theirs.
//
// Words: a rescue is a service of another member that is readable here; a drill is the same in an
// isolated place, shown to nobody.
//
// What never happens:
//   - a rescue of a service that nobody named us for, or while its owner is heard;
//   - somebody sees what is another's, or anybody what the pack does not say is theirs;
//   - something is written into the data, federates, or is mailed, but links to come in;
//   - a person is named in a logbook, or in a log.
//
// The folders: snapshot (restic), whose (what is whose), record (which rescues there are), letin
// (how people come in), send, mailbox, dav, gitread (how they take it away), site (pages), imap.
// Of the room's folders it imports promise and pack. Source: docs/spec/succession.md#rescue
package rescue
