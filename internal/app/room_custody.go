package app

import (
	"context"
	"path/filepath"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/custody"
	"entrechat/internal/room/custody/breakglass"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/heir"
	"entrechat/internal/room/custody/mandate"
	"entrechat/internal/room/custody/migrations"
)

func custodyModule() module {
	return module{
		name: "custody", words: custody.AllWords(), tables: migrations.Files, group: groupOthers, open: openCustody, spare: true,
		grants: []core.GrantType{custody.GrantType()},
		commands: func(l *cli) []*cobra.Command {
			return custody.Commands(l.out.P, opener[*custody.Room](l), time.Now)
		},
	}
}

func openCustody(_ context.Context, a *App) (any, fit.Fittings, error) {
	rights, err := need[custody.Trust](a, "custody")
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	room, err := custody.New(custody.Needs{
		DB: a.DB, Words: a.Words, Signer: a.Signer, Dir: filepath.Join(a.Data, datadir.SecretsDir), Book: a.Book, Trust: rights, Peer: a.Peer,
		URL: a.Config.Node.URL, Private: a.Config.Peer.Private, Lang: a.Config.Node.Lang, Recovery: func() (*age.X25519Recipient, error) { return datadir.RecoveryRecipient(a.Data) },
		Mailer: func() (breakglass.Mailer, bool) { return ask[breakglass.Mailer](a) }, Now: time.Now, Log: a.Log,
		Pointers:   func() (deal.Pointers, bool) { return ask[deal.Pointers](a) },
		Decisions:  func() (mandate.Decisions, bool) { return ask[mandate.Decisions](a) },
		Successors: func() (heir.Successors, bool) { return ask[heir.Successors](a) },
		Texts:      a.custodyTexts(),
	})
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	return room, room.Fittings(), nil
}

// custodyTexts are what the runbooks and duties of admins need of the other rooms; without a
// room there is nothing of it.
func (a *App) custodyTexts() (t custody.Texts) {
	t.Said = a.saidLimits
	if watch, ok := ask[custody.Postmortems](a); ok {
		t.Cards = watch.Postmortems
	}
	if trust, ok := ask[custody.Pacts](a); ok {
		t.Pacts = trust.Agreed
	}
	if identity, ok := ask[custody.Accounts](a); ok {
		t.Accounts = identity
	}
	return t
}
