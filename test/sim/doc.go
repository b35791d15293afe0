// Package sim runs many nodes in one process on fake time: the real logbook, the
// real signed requests and handlers, over pipes instead of sockets, with members
// that are offline, cut off, unhelpful or lying.
package sim
