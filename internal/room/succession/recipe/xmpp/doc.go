// Package xmpp moves the accounts of one XMPP host from ejabberd or Prosody to Prosody, by the
// files of XEP-0227, with the addresses and the passwords they have.
//
// Words. An account file is what XEP-0227 says of one account: credentials, roster, vCard, private
// XML, what it publishes (PEP), and its archive of messages. The stage is a folder of ours at the
// new server, where Prosody's own migrator writes before anything is put in place.
//
// How. The old server exports (`ejabberdctl export_piefxis`, or `prosody-migrator`); the account
// files are read and written anew here, one for each account; Prosody's migrator turns them into its
// store. Each pass makes the accounts anew. Both sides are counted by an export of their own.
//
// What real servers do, and what is done about it: ejabberd 23.01 writes what SCRAM keeps in base64
// twice, with which no password opens: it is read once more. Its export has no archive of messages.
// Prosody's migrator takes its data directory from nowhere but the program itself: it is told by
// another way, in migrate. It stops at what a store does not have, unless told to go on: so
// it goes on, and the counts decide.
//
// Not moved: rooms (outside of XEP-0227), files that were uploaded, messages that ejabberd keeps
// for somebody who is away.
//
// Tried with ejabberd 23.01 and Prosody 0.12.3. Sources: XEP-0227 1.1; docs/spec/succession.md#recipes
package xmpp
