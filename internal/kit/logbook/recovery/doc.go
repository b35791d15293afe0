// Package recovery brings a log back that lost its disk, or its key: it is read from the
// members that mirror it, and goes on under a key that the root key vouches for. Reading
// changes nothing at anybody.
package recovery
