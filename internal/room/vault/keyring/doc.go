// Package keyring is what opens and admits: the age identities that files are sealed to,
// the tokens by which restic enters, and the secrets folder where both lie beside each
// backup's password. It also seals and opens labels, which say what an object is.
//
// A token's private half and the seed words are never kept here; the prune token is shown
// once. A file of the folder that this user may not read is left aside and named.
//
// Sources: docs/spec/shard.md, docs/spec/rest.md.
package keyring
