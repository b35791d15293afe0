package app

import (
	"context"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/watch"
	"entrechat/internal/room/watch/alert"
	"entrechat/internal/room/watch/deadman"
	watchimports "entrechat/internal/room/watch/imports"
	"entrechat/internal/room/watch/incident"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/record"
	"entrechat/internal/room/watch/software"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/subscribe"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

func watchModule() module {
	return module{
		name: "watch", words: []fs.FS{watch.Words, target.Words, watchimports.Words, alert.Words, incident.Words, record.Words, look.Words, verdict.Words, deadman.Words, status.Words, software.Words, subscribe.Words}, tables: migrations.Files, group: groupOthers,
		grants: []core.GrantType{watch.GrantType()},
		commands: func(l *cli) []*cobra.Command {
			return watch.Commands(l.out.P, func(cmd *cobra.Command) (*watch.Room, *console.Out, error) {
				room, err := openFor[*watch.Room](l, cmd)
				return room, &l.out, err
			})
		},
		open: openWatch,
	}
}

func openWatch(ctx context.Context, a *App) (any, fit.Fittings, error) {
	rights, err := need[watch.Trust](a, "watch")
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	visitor := peer.NewVisitor(peer.Needs{Private: a.Config.Peer.Private, Now: time.Now, Log: a.Log})
	room, err := watch.New(ctx, watch.Needs{
		DB: a.DB, Signer: a.Signer, Book: a.Book, Trust: rights, Peer: a.Peer, Keys: a.Book.Keys, Site: a.Config.Node.Site,
		Members: func(ctx context.Context) ([]core.MemberID, error) {
			known, err := a.Book.Known(ctx)
			var all []core.MemberID
			for _, m := range known {
				if m.ID != a.Signer.ID() {
					all = append(all, m.ID)
				}
			}
			return all, err
		},
		Home: func(ctx context.Context, id core.MemberID) (target.Home, error) {
			m, err := a.Book.Member(ctx, id)
			return target.Home{ID: m.ID, URL: m.URL, Root: m.Root}, err
		},
		Root: func(ctx context.Context, address string) (core.RootKey, error) {
			found, err := a.Book.Discover(ctx, address)
			return found.Root, err
		},
		Fetch: func(ctx context.Context, address string, limit int64) ([]byte, error) {
			text, _, err := visitor.Fetch(ctx, address, limit)
			return text, err
		},
		Offers: func(ctx context.Context) ([]watch.Offer, error) {
			if directory, ok := ask[watchOffers](a); ok {
				return directory.Offers(ctx)
			}
			return nil, nil
		},
		Agent:   "entrechat/1 (" + a.Config.Node.Origin + "; +" + a.Config.Node.URL + "/status)",
		Private: a.Config.Peer.Private, Now: time.Now, Log: a.Log,
	})
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	return room, room.Fittings(), nil
}

// watchOffers answers our own services, for the page that offers to look at them.
type watchOffers interface {
	Offers(ctx context.Context) ([]watch.Offer, error)
}
