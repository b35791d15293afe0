// Package ability knows what a hoster's services need somebody to be able to do, who proved
// to be able, when and how; and computes from it, with the boxes that custodians hold, the
// bus factor of each service.
//
// A proof counts for six months. Whoever proves signs a line with the key of the card; what
// the node can see itself (a TXT record, a file of root, an opened canary, an answered mail,
// a change at the registrar) it looks at; the rest is countersigned by a second person.
//
// Names of persons leave this folder only for our own admins. It imports person and figure
// of the room. Sources: docs/spec/custody.md.
package ability
