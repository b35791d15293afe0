// Package author writes our own log: an entry is in the tree, the head over it signed and
// both stored in one transaction, after what the head is computed from was checked. Whether
// writing is safe at all, package guard finds out.
package author
