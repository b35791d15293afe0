// Package zone looks at names of a hoster's own zones: it asks the servers that are in
// charge of the zone, as the world's resolvers do, whether they answer, what they answer,
// and until when the signatures of DNSSEC hold.
//
// Words: a server is one name server of the zone (an NS record).
//
// What never happens: an answer of a cache counts. A server is asked anywhere but on
// port 53. One server that is down makes the name fail while another answers well.
//
// What is left out: signatures are not computed, only their times are read, and nobody asks
// the parent zone for its DS record.
//
// Source: docs/spec/watch.md#looks; RFC 1035, RFC 4034.
package zone
