package app

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/trust"
)

func trustModule() module {
	return module{
		name: "trust", words: trust.Words, tables: trust.Migrations(), group: groupOthers,
		commands: func(l *cli) []*cobra.Command {
			return trust.Commands(l.out.P, func(cmd *cobra.Command) (*trust.Service, *console.Out, error) {
				room, err := openFor[trustRoom](l, cmd)
				if err != nil {
					return nil, nil, err
				}
				return room.Service, &l.out, nil
			})
		},
		open: openTrust,
	}
}

// trustRoom is the room with what only the house asks it.
type trustRoom struct{ *trust.Room }

func openTrust(ctx context.Context, a *App) (any, fit.Fittings, error) {
	self, err := a.self(ctx)
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	room, err := trust.New(trust.Needs{
		DB: a.DB, Signer: a.Signer,
		Self: trust.Address{Member: self.ID, URL: self.URL, Root: self.Root},
		Card: trust.Card{Name: a.Config.Node.Origin, Place: a.Config.Node.Site, Admin: a.Config.Node.Admin, Contact: a.Config.Node.Contact},
		Book: a.Book, Follower: a.Book, Caller: a.Peer, Now: time.Now, Log: a.Log,
		// On one machine, in demos and tests, no domain answers for itself, so its node's
		// address has to be believed.
		Home: func(of trust.Address) string {
			if a.Config.Peer.Private && of.URL != "" {
				return of.URL
			}
			return "https://" + string(of.Member)
		},
	})
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	f := room.Fittings()
	f.Recovered = func(ctx context.Context) (fit.Finding, error) {
		coming, err := room.Coming(ctx)
		if err != nil || len(coming) == 0 {
			return fit.Finding{}, err
		}
		return fit.Well("app.coming", map[string]any{"Members": joinIDs(coming), "Count": len(coming)}), nil
	}
	return trustRoom{room}, f, nil
}

// Added are the members our logbook says we added, and where they were then.
func (t trustRoom) Added(ctx context.Context) ([]logbook.Member, error) {
	members, err := t.Members(ctx)
	var out []logbook.Member
	for _, m := range members {
		if m.Standing == trust.Added {
			out = append(out, logbook.Member{ID: m.Member, URL: m.URL, Root: m.Root})
		}
	}
	return out, err
}
