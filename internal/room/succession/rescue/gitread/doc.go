// Package gitread serves git repositories as they lie, by git's "dumb" protocol over HTTP, for
// cloning. What `git update-server-info` would write is made on the way and written nowhere; no
// program of git runs, no hook, no configuration of the repository is read.
//
// Source: https://git-scm.com/docs/http-protocol ("dumb clients"), gitrepository-layout(5).
package gitread
