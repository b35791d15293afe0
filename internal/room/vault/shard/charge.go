package shard

// Block is the unit in bytes in which a disk gives room to a file.
const Block = 4 << 10

// HeadRoom is what an owner expects of a head when it plans, in bytes; measured about
// 1,100. No head is larger than MaxHead.
const HeadRoom = 1500

// Charge is what a shard file of n bytes, head and data, counts in its owner's pact: the
// blocks it takes on the disk, and one more for its row, its inode and its name. A tiny
// file costs its holder as much as 8 KiB, so that is what it counts.
//
// spec: docs/spec/holder.md#quota
func Charge(n int64) int64 { return (n+Block-1)/Block*Block + Block }
