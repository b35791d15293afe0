// Package status is what everybody sees of a hoster: one snapshot in memory, made anew each
// minute from what this node knows, signed, and shown as pages, feeds, badges and JSON.
//
//	status          the snapshot, its bounds, its signature, the board that holds them
//	status/show     pages, feeds, badges and calendars for everybody
//	status/tonight  the admin's page: what is wrong, who is awake, who was told
//
// Words: a snapshot is all that is shown of one hoster. Its basis is the newest thing it
// stands on. The board holds the snapshots of the hosters that this node looks at.
//
// What never happens: a state that nobody established is shown as well. A page reads the
// database. What somebody else signed is shown as our own knowledge. A text that a stranger
// wrote is anything but text.
//
// Source: docs/spec/watch.md#status
package status
