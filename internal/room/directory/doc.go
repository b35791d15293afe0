// Package directory says who offers what, with which limits.
//
// Words. A file is a StatoolInfos document (package statool). A draft is what a
// domain says of itself in public (package draft). An access is who may use a
// service (package access).
//
// What never happens here: a guess is shown as a fact; a foreign file is changed;
// an address from outside is asked without the guard of kit/peer.
//
// Sources: docs/spec/statoolinfos.md.
package directory
