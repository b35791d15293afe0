package kinds

import (
	"context"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// TestEveryKindIsLookedAt holds that each kind has its look, here or in the folder look, but
// for those that nobody looks at from outside. There is no network.
func TestEveryKindIsLookedAt(t *testing.T) {
	t.Parallel()
	none := func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
	l := look.New(look.Needs{Kinds: All(), Now: time.Now, Dial: none, Resolver: &net.Resolver{PreferGo: true, Dial: none}})
	for _, kind := range []target.Kind{
		target.HTTP, target.WebSocket, target.TCP, target.TLS, target.DNS, target.SMTP, target.IMAP, target.XMPPClient, target.XMPPServer,
		target.Matrix, target.NodeInfo, target.Nextcloud, target.Mastodon, target.PeerTube, target.Forgejo, target.S3, target.ICMP,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := l.Look(t.Context(), target.Target{Kind: kind, Address: "chaton-a.test"})
			if strings.Contains(r.Detail, "does not know the kind") || r.Class == look.Fine {
				t.Errorf("%q: %s", r.Class, r.Detail)
			}
		})
	}
}
