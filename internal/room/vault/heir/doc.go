// Package heir lets another member open one backup of a hoster that closes or vanished, and
// nothing else of it.
//
// Words. A pointer is the secret that opens one backup: restic's password, the backup's own age
// identity, and where to ask. An heir is a member that has one. A reader is a member that the
// owner named at its holders: it fetches ciphertext and opens none of it.
//
// What never happens: an heir writes anything at a holder, or into its own catalogue; a file is
// taken in that is not what its name says; a backup other than the pointer's is opened.
//
// What an heir finds is written into a catalogue of its own, in a scratch folder, with the same
// code that recovers a hoster's own backups; the folder goes away at the end.
//
// spec: docs/spec/succession.md#pointer
package heir
