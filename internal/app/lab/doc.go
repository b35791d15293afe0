// Package lab runs hosters as processes of this very binary, each with its own
// disk, and has what stories about them need: stock restic, data that looks like
// a hoster's, and a comparison byte for byte. The demo, the crash tests and the
// benchmarks are told with it.
package lab
