// Package disk writes single files that a crash leaves whole, and locks files.
//
// What never happens: a file has its name before its content is on the disk. Replace or
// Create returns nil before the name is on the disk too. A draft of a process that was
// killed stays for ever: the next writer in the folder removes it.
//
// Whole trees of objects, with folders and a trash, are kit/blob's.
package disk
