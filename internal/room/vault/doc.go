// Package vault keeps this hoster's backups at the members that lent it room. It
// is where restic's files go: a front that speaks restic's REST protocol on
// loopback, and behind it the pool.
//
// Words. A repository is one restic repository, called a backup on pages. A file
// is sealed once, when it arrives: one age file to the repository's own and the
// recovery key, the object. The local store is our disk: what waits to be placed (the
// spool), and for good the small files. A lender is a member that granted us room; the
// code (K-of-N) follows the number of failure domains among them. An object is
// safe when K+1 shards lie on distinct domains, placed when all N do.
//
// What never happens:
//   - a file is acknowledged before its sealed form is on this disk (fsync of the
//     file, its folder and its row);
//   - an index or a snapshot is acknowledged before it and everything
//     it may need in its repository is safe, so "snapshot saved" means off-site;
//   - a file is overwritten, or removed without the prune key, which is not kept here;
//   - restic hears "not found" when we only cannot tell;
//   - a restore waits for one slow member, or needs a member to write anything.
//
// A lone lender is allowed and said to be unsafe: with one domain the code is
// 1-of-1, which the commit rule accepts, because refusing would leave the data
// with no second place at all.
//
// The room only wires. Its folders: catalogue (tables and pure rules), keyring (keys,
// tokens, secrets), backup (one repository), shipping and retrieve (to the members and
// back), pool (who lends), local and encoding (our disk, shards), recovery (compare and
// rebuild), removal (delete and undelete), upkeep (audit and repair), health (how it all
// stands); lending is what we keep for others, holder the contract of both sides.
//
// Sources: docs/spec/shard.md, docs/spec/rest.md, docs/spec/holder.md.
package vault
