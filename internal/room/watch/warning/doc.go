// Package warning has people told of what is no outage yet: a certificate that ends soon,
// and a backup that is too old where others store it. It wakes nobody: each is a notice of
// the level notify, sent once.
//
// Who says it. Of a certificate the owner's own node, from its own looks. Of a backup each
// member that stores for the owner and holds its contact plan: the owner does not store
// its own backups. All of them name the notice alike, so that people hear of it once.
//
// What never happens: one certificate that several services show is told of more than
// once; a node that was away itself calls what it missed an old backup at once; who was
// told is told again because a node began anew.
//
// Source: docs/spec/watch.md#warnings
package warning
