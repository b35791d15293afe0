// Package imports keeps the files that hosters outside the network publish, and
// makes the catalogue's listings of them.
//
// Words. A root is an address that somebody typed. A federation's file leads to
// hosters' files, a hoster's to its services'; a walk follows that from a root and
// no other way, so it ends after three steps whatever the files say. A good file is
// one that can be read, has the class it is listed as and a name. A strike is one
// time in a row that an address did not give a good file.
//
// What never happens here: a byte of a foreign file is changed; a broken version
// replaces a good one; a file goes because its address is silent; an address is
// asked without the guard of kit/peer, or faster than its host is asked elsewhere;
// what a hoster says of a service on somebody else's host counts as proved.
//
// Sources: docs/spec/statoolinfos.md#import.
package imports
