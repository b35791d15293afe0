// Package app puts the house together: configuration, database, kits and rooms,
// the command line, and the running node. rooms.go is the only list of rooms.
package app
