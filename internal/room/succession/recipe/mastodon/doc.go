// Package mastodon moves people from one Mastodon or GoToSocial to another, with other addresses: whom
// they follow, lists, blocks, mutes, blocked domains and bookmarks; and, last, their followers by a Move.
//
// How. Both programs have one client interface: the old account is read by it, what it has is written as
// the CSV files that both programs know (people keep them), and the new account gets one by one what it does
// not have. Where the old server is dead the CSV files that the person has are the source. What was added
// is noted before it is asked for, and an undo takes back that alone. What of the old account is at the
// new one is counted by reading the new account again; a follow that waits for an answer counts.
//
// The Move comes last, in the cut, and nothing takes it back: it needs the alias at the new account and the
// old server alive. GoToSocial has it in its interface; in Mastodon the person presses it (Preferences,
// Account, Move), and the cut looks whether it was. No interface tells the wait after a former Move (30 days
// of Mastodon, 7 of GoToSocial): the person says when that was.
//
// Not moved: posts and media (an archive to read; nobody can import it), their addresses, replies, likes, and
// the settings of single follows and mutes. Mastodon lets somebody follow 400 accounts a day this way: the
// step then ends with "later" and goes on the next day, or the person imports the CSV file.
//
// After the Move, and when nobody is left, Mastodon's SELF_DESTRUCT ends a server: never before, it cannot be
// taken back. A whole server, with its domain, is moved by the recipe generic: database, media, secrets.
//
// Tried against the documented interface and file formats only: neither could be run where this was written.
// Sources: docs.joinmastodon.org/methods, docs.joinmastodon.org/user/moving, docs.gotosocial.org (API,
// user guide, migration), docs/spec/succession.md#recipes
package mastodon
