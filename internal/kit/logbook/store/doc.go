// Package store is the logbook on its database: members, logs, leaves and hash tiles,
// contacts, leases, proofs and readers' places. What is read of a log is checked against
// its tree first: bytes that the disk changed are an error (logbook.damaged), never a
// hash or somebody's word.
//
// Functions take the querier of the caller's transaction. Rows are named ...Row where
// another package has a word for what members see.
package store
