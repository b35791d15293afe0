// Package retrieve opens the files of our backups: from the local store, from the cache, or
// brought back from the members.
//
// Words. To gather is to read enough shards of an object back from the members and to join
// them; what came whole of an object of which too few shards did is left for the next try.
//
// What never happens: an object is given that is not what its id says; a shard is cut off
// because its member is slow; one slow member is waited for where another has a shard too.
package retrieve
