// Package mail moves the mailboxes of one hoster to another: real Dovecots, Postfixes and a
// Roundcube, mail that arrives meanwhile, and faults at every step.
package mail
