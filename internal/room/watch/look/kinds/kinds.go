// Package kinds lists the looks of the folders beside it, for look.Needs.
//
// Source: docs/spec/watch.md#looks
package kinds

import (
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/look/chat"
	"entrechat/internal/room/watch/look/mail"
	"entrechat/internal/room/watch/look/web"
	"entrechat/internal/room/watch/look/zone"
	"entrechat/internal/room/watch/target"
)

// All makes the kinds that the folders of look add to its own; what they learn on the way
// (whether port 25 can be reached) is of one Looker.
func All() map[target.Kind]look.Probe {
	return map[target.Kind]look.Probe{
		target.DNS:        zone.Probe,
		target.SMTP:       mail.SMTP(),
		target.IMAP:       mail.IMAP,
		target.XMPPClient: chat.Client,
		target.XMPPServer: chat.Server,
		target.Matrix:     chat.Matrix,
		target.NodeInfo:   web.NodeInfo,
		target.Nextcloud:  web.Nextcloud,
		target.Mastodon:   web.Mastodon,
		target.PeerTube:   web.PeerTube,
		target.Forgejo:    web.Forgejo,
	}
}
