// Package directory says who offers what, with which limits. This folder puts the room
// together, and holds its commands; each part has its own:
//
//	own        what this hoster publishes: files and notes
//	announce   telling it in the logbook, and hearing the others
//	catalogue  what every known hoster says
//	imports    files that others publish
//	draft      what a domain says of itself in public
//	referral   where we send people
//	freshness  whose words, and how old
//	access     who may use a service
//	statool    the StatoolInfos format
//	site       pages for visitors
//	forms      pages for the admin
//	api        answers for programs
//
// What never happens here: a guess is shown as a fact; a foreign file is changed;
// an address from outside is asked without the guard of kit/peer.
//
// Sources: docs/spec/statoolinfos.md, docs/spec/directory.md.
package directory
