// Package announce tells the members in our logbook what changed in our own files, and
// hears in theirs what they say of themselves.
//
// Words. A change is one thing that became different at this hoster, for the feeds.
//
// What never happens here: something is said that no file of ours says; an entry that
// makes no sense stops the reading of a logbook.
//
// Sources: docs/spec/directory.md#entries.
package announce
