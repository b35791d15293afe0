// Package identity gives each person one account at one hoster, usable at the services of
// every member that grants `login`.
//
// The room's folders, each of which imports only those named before it:
//
//	person        who has an account: handle, names, verified mail, choice for the day the hoster closes
//	audit         what happened to an account, in a chain of hashes, shown to its owner
//	credential    what proves that it is them: passkeys, password, one-time codes, recovery codes
//	throttle      how often somebody may try: delays, limits, proof of work
//	session       who is signed in, in which browser
//	organisation  groups of people, who manages them, which services they use
//	people        what the hoster does with accounts: make, let in, suspend, close
//	imports       people from LDIF, CSV, htpasswd, or a living LDAP server
//	signin        pages to sign in, sign up and recover
//	account       a person's own page
//	key           the keys that sign sign-ins, and their rotation
//	client        the hoster's services that sign people in here, and what each was ever told of a person
//	provider      the OpenID Provider that the services and the other members know
//	home          the other members as homes of visitors, from their logbooks
//	federation    what other federations are told of the members
//	move          accounts that go to another member, and those that come
//	broker        a person of another member, sent home to sign in and back
//
// Words: docs/words.md. Source: docs/spec/identity.md, docs/runbook/identity.md.
package identity
