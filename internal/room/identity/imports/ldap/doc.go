// Package ldap lets people sign in with the password of a living LDAP server, so that a hoster
// can try identity without moving anybody.
//
// Words: the directory is the hoster's LDAP server. An entry's lasting name is an attribute
// that stays when the entry is renamed or moved (entryUUID). To bind is to ask the directory
// whether a password is right.
//
// What never happens: a password sent without TLS, except to this machine. A bind with an empty
// password, which LDAP answers with yes for everybody (RFC 4513 section 5.1.2). What somebody types
// as part of a filter. An account of ours given to an entry because of its name or mail address.
//
// Source: RFC 4511, 4513, 4515; docs/runbook/identity.md.
package ldap
