// Package datadir is the data directory of a node: the names of its files, who may use it,
// how it is made whole or not at all, its secrets and its lock. It holds no settings and
// opens no database.
package datadir
