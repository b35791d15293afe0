package app

import (
	"context"
	"crypto/ed25519"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/directory"
	directorytables "entrechat/internal/room/directory/migrations"
	"entrechat/internal/room/trust"
	"entrechat/internal/room/vault"
	"entrechat/internal/room/vault/holder"
	vaulttables "entrechat/internal/room/vault/migrations"
)

// rooms are the capabilities of an open node. This file is the only list of them.
type rooms struct {
	trust     *trust.Room
	vault     *vault.Room
	local     *holder.Local
	directory *directory.Room
	fittings  []fit.Fittings
}

// openRooms wires every room to the kits, and to the rooms it asks.
func (a *App) openRooms(ctx context.Context) error {
	for name, tables := range map[string]fs.FS{"trust": trust.Migrations(), "vault": vaulttables.Files, "directory": directorytables.Files} {
		if err := db.Migrate(ctx, a.DB, name, tables); err != nil {
			return err
		}
	}
	self, err := a.Book.Member(ctx, a.Signer.ID())
	if core.CodeOf(err) == core.CodeNotFound {
		return a.checkOrigin(ctx) // init opens the logbook first
	}
	if err != nil {
		return err
	}
	a.directory = directory.New(a.directoryNeeds())
	a.fittings = append(a.fittings, a.directory.Fittings())
	if err := a.openTrust(self); err != nil {
		return err
	}
	return a.openVault(self) //nolint:contextcheck // a folder is looked for outside of any request
}

func (a *App) openTrust(self logbook.Member) (err error) {
	a.trust, err = trust.New(trust.Needs{
		DB: a.DB, Signer: a.Signer,
		Self: trust.Address{Member: self.ID, URL: self.URL, Root: self.Root},
		Card: trust.Card{Name: a.Config.Node.Origin, Place: a.Config.Vault.Site, Admin: a.Config.Vault.Admin, Contact: a.Config.Node.Contact},
		Book: a.Book, Follower: a.Book, Caller: a.Peer, Home: a.homeOf, Now: time.Now, Log: a.Log,
	})
	if err == nil {
		a.fittings = append(a.fittings, a.trust.Fittings())
	}
	return err
}

// homeOf is where a domain answers for itself. On one machine, in demos and tests, no
// domain does, so its node's address has to be believed.
func (a *App) homeOf(of trust.Address) string {
	if a.Config.Peer.Private && of.URL != "" {
		return of.URL
	}
	return "https://" + string(of.Member)
}

func (a *App) openVault(self logbook.Member) error {
	shared, err := sharedIdentity(a.Data)
	if err != nil {
		return err
	}
	recovery, err := recoveryRecipient(a.Data)
	if err != nil {
		return err
	}
	shards := blob.OpenMarked(filepath.Join(a.Data, vault.FolderStore), vault.FolderMark(a.DB, vault.FolderStore))
	local := holder.New(holder.Needs{
		DB: a.DB, Dir: shards, Signer: a.Signer, Trust: a.trust, Keys: a.Book,
		Floor: a.Config.Vault.Floor, Now: time.Now, Log: a.Log,
	})
	a.local = local
	a.vault, err = vault.New(vault.Needs{
		DB: a.DB, Dir: filepath.Join(a.Data, "vault"), Signer: a.Signer, Root: self.Root,
		Shared: shared, Recovery: recovery, OwnKeys: a.ownKeys, Lenders: a.trust, Contacts: a.contacts, Local: local, Standing: a.standing,
		Holder: func(id core.MemberID) holder.Holder { return holder.NewRemote(a.Peer, a.Book, id) },
		Words:  a.Lang, Now: time.Now, Log: a.Log,
		Config: vault.Config{Floor: a.Config.Vault.Floor, Spool: a.Config.Vault.Spool, Cache: a.Config.Vault.Cache, Tools: a.Config.Tools.Listen},
	})
	if err == nil {
		a.fittings = append(a.fittings, a.vault.Fittings())
	}
	return err
}

// ownKeys are the keys this node ever signed with, revoked or not.
func (a *App) ownKeys(ctx context.Context) ([]ed25519.PublicKey, error) {
	set, _, err := a.Book.KeySet(ctx, a.Signer.ID())
	out := make([]ed25519.PublicKey, 0, len(set.Keys))
	for _, k := range set.Keys {
		out = append(out, k.Public())
	}
	return out, err
}

// contacts are all members whose logbook we hold.
func (a *App) contacts(ctx context.Context) ([]vault.Contact, error) {
	known, err := a.Book.Known(ctx)
	if err != nil {
		return nil, err
	}
	lenders, err := a.trust.Lenders(ctx, core.GrantStore)
	if err != nil {
		return nil, err
	}
	lend, err := a.trust.Coming(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range lenders {
		lend = append(lend, l.ID)
	}
	var out []vault.Contact
	for _, m := range known {
		if m.ID != a.Signer.ID() {
			out = append(out, vault.Contact{ID: m.ID, URL: m.URL, Root: m.Root, Lends: slices.Contains(lend, m.ID)})
		}
	}
	return out, nil
}

func (a *App) readers() []logbook.Reader {
	var all []logbook.Reader
	for _, f := range a.fittings {
		all = append(all, f.Readers...)
	}
	return all
}

// roomWords are the rooms' sentences.
func roomWords() []fs.FS { return []fs.FS{directory.Words, trust.Words, vault.Words} }

// roomCommands are the rooms' commands.
func (l *line) roomCommands() []*cobra.Command {
	all := trust.Commands(l.out.P, func(cmd *cobra.Command) (*trust.Service, *console.Out, error) {
		a, err := l.open(cmd.Context())
		if err != nil {
			return nil, nil, err
		}
		return a.trust.Service, &l.out, nil
	})
	all = append(all, directory.Commands(l.out.P, l.openDirectory)...)
	return append(all, vault.Commands(l.out.P, l.openVault, l.rescue())...)
}

func (l *line) openVault(cmd *cobra.Command) (*vault.Room, *console.Out, error) {
	a, err := l.open(cmd.Context())
	if err != nil {
		return nil, nil, err
	}
	return a.vault, &l.out, nil
}

// openDirectory needs a node only where our own files are meant: what others publish
// can be read before there is one.
func (l *line) openDirectory(cmd *cobra.Command, node bool) (*directory.Room, *console.Out, error) {
	if node {
		a, err := l.open(cmd.Context())
		if err != nil {
			return nil, nil, err
		}
		return a.directory, &l.out, nil
	}
	cfg, err := LoadConfig(l.data)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return nil, nil, err
	}
	return directory.New(directoryNeeds(cfg, l.data)), &l.out, nil
}

// directoryNeeds are what the directory needs where there is no node.
func directoryNeeds(cfg Config, data string) directory.Needs {
	visitor := peer.NewVisitor(peer.Needs{Private: cfg.Peer.Private, Now: time.Now, Log: quiet()})
	return directory.Needs{
		Dir: filepath.Join(data, "directory"), URL: cfg.Node.URL, Fetch: visitor, Now: time.Now, Plain: cfg.Peer.Private, Log: quiet(),
	}
}

func (a *App) directoryNeeds() directory.Needs {
	n := directoryNeeds(a.Config, a.Data)
	n.DB, n.Log, n.Book, n.Self, n.Backups = a.DB, a.Log, a.Book, a.Signer.ID(), a.backups
	return n
}

// backups are what the directory shows of the vault.
func (a *App) backups(ctx context.Context) ([]directory.Backup, error) {
	report, err := a.vault.Public(ctx)
	out := make([]directory.Backup, 0, len(report.Backups))
	for _, b := range report.Backups {
		out = append(out, directory.Backup{Newest: b.Offsite, Places: b.Domains, Losses: max(b.Losses, 0), Doubt: b.Doubted()})
	}
	return out, err
}

// rescue makes the node anew for `vault recover`.
func (l *line) rescue() vault.Rescue {
	r := Rescue{Out: &l.out}
	return vault.Rescue{
		Flags: func(c *cobra.Command) {
			placeFlags(c, &r.Place, l.out.P)
			c.Flags().BoolVar(&r.Replace, "replace-running", false, l.out.P.T("app.flag.replace_running", nil))
		},
		Run: func(cmd *cobra.Command, plea vault.Plea) (*vault.Room, *console.Out, error) {
			if err := checkUser(l.data, l.args); err != nil {
				return nil, nil, err
			}
			r.Plea, r.Data = plea, l.data
			if err := r.Run(cmd.Context(), l.words); err != nil {
				return nil, nil, err
			}
			return l.openVault(cmd)
		},
	}
}
