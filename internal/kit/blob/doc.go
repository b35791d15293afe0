// Package blob keeps immutable objects in a directory: a local disk, or a share
// that knows fsync and rename. An object has its name only when all of it is on
// disk, and never changes afterwards. Names are slash paths inside the
// directory; none leads out of it, whoever made it up.
//
// How: a temporary file, fsync, a hard link that fails when the name is taken,
// fsync of every directory that changed. Readers never see a temporary file.
package blob
