// Package holder is the contract between the owner of a shard and the member that stores it:
// the interface Holder, the signed documents, the lists and proofs that travel, and the client
// (Remote). The member's side of it is the package lending.
//
// Words. The owner is the member whose object a shard belongs to; the holder stores
// it. A receipt is the holder's signed word that it has verified a shard and put it on
// disk. A tombstone, signed by the prune key the shard's header names, deletes: a
// deleted shard stays 30 days more, counts in the quota, and its owner alone can take
// the deletion back. Readers are members the owner named to read for it. The names on
// the wire are older than those in Go: there, to delete is "bury".
//
// What a holder answers is checked before it is believed, and a lie has a name of its own
// (vault.peer_wrong_bytes, vault.peer_truncated, vault.peer_other_owner,
// vault.peer_old_receipt), silence another (vault.peer_silent).
//
// Sources: docs/spec/shard.md, docs/spec/holder.md; BLAKE3 and Bao for the proofs.
//
// spec: docs/spec/holder.md
package holder
