// Package people is what a hoster does with accounts: make one, let somebody in who asked,
// give a role, suspend, restore, close. Each is noted in the log of what happened to the
// account, in the same transaction.
//
// Who may: a command (the zero person) and an admin all of it; a moderator lets in,
// suspends and restores people who have no role, and nothing else.
package people
