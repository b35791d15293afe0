// Package catalogue is what we know of our backups: the tables, and the rules that need
// nothing else. Objects are files in their sealed form, placements say where their shards
// lie, tombstones what members are to delete. Everything here can be made again from the
// members' shards and the seed words.
//
// It reads no clock and asks no member: `now` is an argument, and who lends is told.
package catalogue
