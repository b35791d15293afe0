// Package format is what members sign and send: entries, heads, key sets, fork proofs,
// reading keys, and the messages of the exchange. It reads strictly, verifies, and makes
// what others will read. No disk, no network, no clock of its own.
//
// Sources: c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature, tlog-witness,
// tlog-proof; docs/spec/logbook.md and docs/spec/exchange.md.
package format
