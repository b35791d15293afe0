// Package mirror is how logs travel: ours to members by posts, theirs here by pulls, long
// polls and hints. An offered head is verified, its entries must lead to it, and both are
// stored and cosigned in one transaction before anything is answered. Two heads that cannot
// both be true become a fork proof.
//
// Members are worked with side by side, one at a time with each: who is slow makes nobody
// else wait.
//
// Sources: c2sp.org/tlog-mirror, tlog-tiles; docs/spec/exchange.md.
package mirror
