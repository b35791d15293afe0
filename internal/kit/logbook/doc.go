// Package logbook keeps one append-only tile log per member: our own, which we
// sign, and mirrors of the others', which we verify and cosign. It is how members
// tell each other anything that must not be rewritten later.
//
// Words: an entry is one leaf of a log. A head is a log's signed checkpoint, its
// size and root. A key set is the root-signed list of a member's online keys. A
// fork is two heads of one member that cannot both be true. An epoch is one log
// of a member; a new one is opened when the old cannot go on. A contact is a
// member we exchange with; a mirror of ours is one that confirmed holding our log.
//
// What never happens: a head is acted on before it is on the disk. An entry is
// parsed before the head above it verified. A head is signed over a tree whose
// right edge and last leaf were not checked first. Anything is appended to a log
// that others mirror before they were asked how far they hold it. State lives in
// memory only: everything is in SQL, so that the command line may append beside
// the running node.
//
// Book is the front that rooms and commands use. The work is done in folders, each of
// which imports only those named before it: format (what is signed and sent), store (the
// database), members (keys and proofs), author (our own log), mirror (how logs travel),
// repair, guard, recovery, serve.
//
// Sources: c2sp.org/signed-note, tlog-checkpoint, tlog-tiles, tlog-cosignature,
// tlog-witness, tlog-mirror, tlog-proof; docs/spec/logbook.md and
// docs/spec/exchange.md.
package logbook
