// Package duty has what admins sign of their own: that they know what they answer for. And
// it says whether the limits that stand in pacts were read, and are still those of today.
//
// Words: a duty is that signature; its text has a version; it holds for a year. Limits are
// what a hoster says it cannot do.
//
// What always holds: nobody signs for somebody else: an account signs for the card that
// names it, a key for the card that has it. A text that was signed by key names the hoster,
// the card and the day, so that it serves once. Who signed is shown to our own admins,
// numbers to nobody else. Nothing of it is in the logbook.
//
// It imports no other folder of the room. Source: docs/spec/custody.md.
package duty

import "embed"

// Words are the folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS
