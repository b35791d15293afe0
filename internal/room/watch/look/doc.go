// Package look looks at one target, once: it opens a fresh connection, asks what the kind
// of the target asks, and says how it ended.
//
// What never happens: an address of our own machine or network is called for another
// member. More than 64 KiB of an answer is read. A look lasts longer than its bound. A
// certificate is believed because it was the day before: each look shakes hands anew.
//
// Source: docs/spec/watch.md#looks
package look
