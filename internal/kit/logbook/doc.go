// Package logbook keeps one append-only tile log per member: our own, which we
// sign, and mirrors of the others', which we verify and cosign. It is how members
// tell each other anything that must not be rewritten later.
//
// Words: an entry is one leaf of a log; a head is a log's signed checkpoint (size
// and root); to offer a head is to ask whether it continues what we hold; a fork
// is two heads of one author that cannot both be true; a key set is the
// root-signed list of a member's online keys.
//
// Invariants: a head is stored, synced to disk, before anything acts on it. An
// entry is parsed only after the head above it verified. A leaf is checked against
// the tree before the next one is signed. All state is in SQL, none in memory, so
// that the command line may append beside the running node.
//
// Sources: c2sp.org/signed-note, tlog-checkpoint, tlog-tiles, tlog-cosignature,
// tlog-witness; docs/spec/logbook.md, docs/spec/exchange.md.
package logbook
