// Package serve answers for the logs this node holds: files of C2SP tile logs for anybody,
// heads, posts and hints for members, and the witness endpoint of c2sp.org/tlog-witness.
// docs/spec/exchange.md#addresses lists the paths.
package serve
