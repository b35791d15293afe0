// Package member knows the other hosters: their address and root key, how far they are
// known here (asked, met, added), invitations, hellos, and vouches.
//
// A person's decision pins an origin to one root key; nothing another node says changes
// that. Who is only asked is listed and nothing more. Who is met is mirrored because of
// vouches, for as long as they stand.
//
// Source: docs/spec/trust.md
package member
