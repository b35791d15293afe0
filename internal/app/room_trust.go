package app

import (
	"context"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/trust"
	"entrechat/internal/room/trust/grant"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/migrations"
	"entrechat/internal/room/trust/pact"
)

func trustModule() module {
	return module{
		name: "trust", words: []fs.FS{trust.Words}, tables: migrations.Files, group: groupOthers, grants: grant.Planned(),
		commands: func(l *cli) []*cobra.Command {
			return trust.Commands(l.out.P, grantTypes(), func(cmd *cobra.Command) (*trust.Room, *console.Out, error) {
				room, err := openFor[trustRoom](l, cmd)
				if err != nil {
					return nil, nil, err
				}
				return room.Room, &l.out, nil
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
		DB: a.DB, Types: grantTypes(), Signer: a.Signer,
		Self:   member.Address{Member: self.ID, URL: self.URL, Root: self.Root},
		Card:   pact.Card{Name: a.Config.Node.Origin, Place: a.Config.Node.Site, Admin: a.Config.Node.Admin, Contact: a.Config.Node.Contact},
		Limits: a.saidLimits,
		Book:   a.Book, Follower: a.Book, Caller: a.Peer, Now: time.Now, Log: a.Log,
		// On one machine, in demos and tests, no domain answers for itself, so its node's
		// address has to be believed.
		Home: func(of member.Address) string {
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
	a.company().Checks(f.Checks...)
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
	members, err := t.Members.List(ctx)
	var out []logbook.Member
	for _, m := range members {
		if m.Standing == member.Added {
			out = append(out, logbook.Member{ID: m.Member, URL: m.URL, Root: m.Root})
		}
	}
	return out, err
}
