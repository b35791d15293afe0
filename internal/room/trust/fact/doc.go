// Package fact takes note of which entries of which logbook this room has read, and takes
// back what followed from entries that were cut off.
//
// trust_seen has every entry taken in: one delivered twice changes nothing, another one in
// its place takes back what came from there on, vouches and joins alike.
package fact
