package app

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/app/config"
	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/watch"
	"entrechat/internal/room/watch/deadman"
	"entrechat/internal/room/watch/freshness"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/status/show"
	"entrechat/internal/room/watch/target"
)

func watchModule() module {
	return module{
		name: "watch", words: watch.AllWords(), tables: migrations.Files, group: groupOthers,
		grants: []core.GrantType{watch.GrantType()},
		settings: &config.Section{
			Words: "watch.config.", New: func() any { return watch.DefaultSettings() },
			Check: func(c config.Config) error { return config.Of[*watch.Settings](c, "watch").Check() },
		},
		commands: func(l *cli) []*cobra.Command {
			return watch.Commands(l.out.P, opener[*watch.Room](l))
		},
		open: openWatch,
	}
}

func openWatch(ctx context.Context, a *App) (any, fit.Fittings, error) {
	rights, err := need[watch.Trust](a, "watch")
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	n, err := a.watchNeeds(config.Of[*watch.Settings](a.Config, "watch"))
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	n.Trust = rights
	room, err := watch.New(ctx, n)
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	return room, room.Fittings(), nil
}

// watchNeeds are what the room needs of the node.
func (a *App) watchNeeds(c *watch.Settings) (n watch.Needs, err error) {
	private := a.Config.Peer.Private
	visitor := peer.NewVisitor(peer.Needs{Private: private, Now: time.Now, Log: a.Log})
	n = watch.Needs{
		DB: a.DB, Signer: a.Signer, Book: a.Book, Peer: a.Peer, Calls: a.Peer, Tellers: deadman.Remote{Client: a.Peer}, Keys: a.Book.Keys,
		Words: a.Words, URL: a.Config.Node.URL, Site: a.Config.Node.Site, Curator: core.MemberID(c.Curator), Private: private, Now: time.Now, Log: a.Log,
		Agent: "entrechat/1 (" + a.Config.Node.Origin + "; +" + a.Config.Node.URL + show.Path + ")",
	}
	// A secret that cannot be read stops alerts, and doctor says so; it stops nothing else.
	var unread [4]error
	n.Channels, unread[0] = c.Channels()
	n.Channels.Private, n.Channels.Hoster = private, a.Signer.ID()
	n.Topics, unread[1] = c.Topics()
	n.Token, unread[2] = c.AlertToken()
	n.Safe, unread[3] = c.SafeVersions()
	n.Unread = errors.Join(unread[:]...)
	n.Stored, _ = ask[freshness.Stored](a)
	if n.Zone, err = c.TimeZone(); err != nil {
		return n, err
	}
	n.Meet = func(ctx context.Context, id core.MemberID) error { return a.Book.PullFrom(ctx, id, 0) }
	n.Members = a.others
	n.Home = func(ctx context.Context, id core.MemberID) (target.Home, error) {
		m, err := a.Book.Member(ctx, id)
		return target.Home{ID: m.ID, URL: m.URL, Root: m.Root}, err
	}
	n.Heard = func(ctx context.Context, id core.MemberID) (core.Moment, error) {
		m, err := a.Book.Member(ctx, id)
		return m.Heard, err
	}
	n.Root = func(ctx context.Context, address string) (core.RootKey, error) {
		found, err := a.Book.Discover(ctx, address)
		return found.Root, err
	}
	n.Fetch = func(ctx context.Context, address string, limit int64) ([]byte, error) {
		text, _, err := visitor.Fetch(ctx, address, limit)
		return text, err
	}
	n.Offers = func(ctx context.Context) ([]watch.Offer, error) {
		if directory, ok := ask[watchDirectory](a); ok {
			return directory.Offers(ctx)
		}
		return nil, nil
	}
	n.Name = func(ctx context.Context, id core.MemberID) string {
		if directory, ok := ask[watchDirectory](a); ok {
			return directory.Name(ctx, id)
		}
		return ""
	}
	return n, nil
}

// watchDirectory answers our own services, for the page that offers to look at them, and
// how people call a hoster.
type watchDirectory interface {
	Offers(ctx context.Context) ([]watch.Offer, error)
	Name(ctx context.Context, id core.MemberID) string
}
