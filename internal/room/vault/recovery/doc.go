// Package recovery keeps what we know of our backups in agreement with what the members
// have: it compares, takes in what this disk lost, and rebuilds the catalogue from nothing.
// Members outrank our own disk: it may be old, or have lost what it wrote last.
//
// A census is what the members said they have. A comparison is one look at it beside the
// catalogue, from which follows its standing: whole, behind, or not known yet. The mark is
// a number beside the database by which one that went back is noticed. Disk puts right
// what this disk changed: rows against their check sums, files against their rows.
//
// What never happens: restic hears "not found" of a file while the catalogue may lack it;
// a member's word alone removes anything; a recovery that heard too few ends as whole.
//
// Sources: docs/spec/holder.md, docs/spec/shard.md.
package recovery
