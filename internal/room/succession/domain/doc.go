// Package domain looks at the domain that a service needs, before the service moves to its adopter,
// and says what is to be done, in order.
//
// Words. The parent is the zone above, where the name servers and the DS records of ours stand. A set
// is all records of one name and type. The next servers are those that the zone moves to. A TTL holds
// once no resolver keeps an older, longer one.
//
// What never happens: an answer of a cache counts, other than for where the servers are. A record, a
// lock or a name server is changed: people do that at their registrar and their name servers.
//
// Judge is pure: facts in, findings out. A finding of level Stop keeps a move from its cut (Ready).
//
// Source: docs/spec/succession.md#domain; RFC 1035, 4034, 4035, 6781, 9083.
package domain
