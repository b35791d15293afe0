// Package blob keeps immutable objects in a directory: a local disk, or a share
// that knows fsync and rename. An object has its name only when all of it is on
// disk, and never changes afterwards. Names are slash paths inside the
// directory; none leads out of it, whoever made it up.
//
// How: a draft in the folder .tmp, fsync, a hard link that fails when the name is
// taken, fsync of every directory that changed. Readers never see a draft. Each
// draft is locked by the process that writes it, so that Open can remove those
// of processes that died and leave those of processes that live.
//
// A write that failed may have happened (a disk that fails at fsync forgets what
// it was asked to keep): after an error nothing has the name, and the caller
// writes the whole object again.
package blob
