// Package imports brings people over from where a hoster keeps them now: LDIF (OpenLDAP,
// YunoHost), CSV, htpasswd. Their passwords come along as hashes.
//
// Words: a record is what a file says of one person. A plan says what would happen to whom; a
// fate is what happens to one record. A source names the directory a file came from, so that
// the same person is known again when the file is read again.
//
// What never happens: somebody who is here already changed by a file. A password in clear taken
// over. A person of the file taken for a person of ours because of a name. Half of five
// hundred people: they come together, or none of them does.
//
// Source: RFC 2849 (LDIF), RFC 2307 (userPassword), RFC 4180 (CSV), Apache's htpasswd.
package imports
