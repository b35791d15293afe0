// Package debian runs servers of other projects as Debian ships them, each on loopback and in
// a folder of its own, until a test ends: the services that sign people in. What `identity app
// add` prints goes into their configuration as it is.
package debian
