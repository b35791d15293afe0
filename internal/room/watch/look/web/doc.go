// Package web looks at web services by the interface with which they tell of themselves:
// NodeInfo, Nextcloud, Mastodon, PeerTube, Forgejo. It notes which version runs.
//
// What never happens: an account is tried, a page of a stranger is fetched because a
// document says so, a document longer than 64 KiB or deeper than 32 is read.
//
// Source: docs/spec/watch.md#looks; each file names the program, the version and the path
// whose answer it reads.
package web
