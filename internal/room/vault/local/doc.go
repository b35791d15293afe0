// Package local is our own disk: files that wait for the members (Spool bounds them), sealed
// objects read back from the members (Cache), the shards of those that are not whole yet
// (Parts), and files of a moment (Temp). What the members need to be sure of lies in the local
// store, a folder of the blob kit; nothing here is written with fsync, and nothing of it
// outlives a start.
package local
