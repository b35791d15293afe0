package app

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/app/config"
	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/obs"
	"entrechat/internal/room/vault"
	"entrechat/internal/room/vault/heir"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/lending"
	vaulttables "entrechat/internal/room/vault/migrations"
)

func vaultModule() module {
	return module{
		name: "vault", words: []fs.FS{vault.Words}, tables: vaulttables.Files, group: groupData,
		settings: &config.Section{
			Words: "vault.config.",
			New:   func() any { return &vaultConfig{Spool: 10 * core.GB, Cache: core.GB} },
			Check: func(c config.Config) error { return config.Of[*vaultConfig](c, "vault").check() },
		},
		commands: func(l *cli) []*cobra.Command { return vault.Commands(l.out.P, l.openVault, l.rescue()) },
		grants:   []core.GrantType{holder.GrantType()},
		open:     openVault,
	}
}

// vaultConfig is the [vault] section.
type vaultConfig struct {
	Spool core.Size `toml:"spool_max"`
	Cache core.Size `toml:"cache_max"`
}

// minSpool is the smallest spool that takes a few of restic's packs.
const minSpool = 64 * core.MB

func (c vaultConfig) check() error {
	if err := config.CheckSize("vault.spool_max", c.Spool); err != nil {
		return err
	}
	if err := config.CheckSize("vault.cache_max", c.Cache); err != nil {
		return err
	}
	if c.Spool < minSpool {
		return core.Invalid("app.small_spool", fmt.Errorf("vault.spool_max: %v", c.Spool)).With("Value", c.Spool).With("Least", minSpool)
	}
	return nil
}

// vaultRoom is the vault with the store of what members sent us.
type vaultRoom struct {
	*vault.Room
	lending *lending.Store
	rights  vaultRights
}

// vaultRights is what the vault asks of the room that knows the pacts.
type vaultRights interface {
	vault.Lenders
	lending.Trust
	// Coming are the members whose pacts with us are still to be brought back.
	Coming(ctx context.Context) ([]core.MemberID, error)
}

func openVault(ctx context.Context, a *App) (any, fit.Fittings, error) {
	rights, err := need[vaultRights](a, "vault")
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	self, err := a.self(ctx)
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	shared, err := datadir.SharedIdentity(a.Data)
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	recovery, err := datadir.RecoveryRecipient(a.Data)
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	cfg := config.Of[*vaultConfig](a.Config, "vault")
	shards := blob.OpenMarked(filepath.Join(a.Data, vault.FolderStore), vault.FolderMark(a.DB, vault.FolderStore)) //nolint:contextcheck // a folder is looked for outside of any request
	store := lending.New(lending.Needs{
		DB: a.DB, Dir: shards, Signer: a.Signer, Trust: rights, Keys: a.Book, Heirs: func() (lending.Heirs, bool) { return ask[lending.Heirs](a) },
		Floor: a.Config.Node.Floor, Now: time.Now, Log: a.Log,
	})
	v := vaultRoom{lending: store, rights: rights}
	v.Room, err = vault.New(vault.Needs{ //nolint:contextcheck // a folder is looked for outside of any request
		DB: a.DB, Dir: filepath.Join(a.Data, "vault"), Signer: a.Signer, Root: self.Root,
		KeysOf: func(ctx context.Context, id core.MemberID) (core.RootKey, []ed25519.PublicKey, error) {
			return keysOf(ctx, a.Book, id)
		},
		Successors: func() (heir.Successors, bool) { return ask[heir.Successors](a) },
		Shared:     shared, Recovery: recovery, OwnKeys: a.ownKeys, Lenders: rights, Lending: store, Standing: a.standing,
		Contacts: func(ctx context.Context) ([]vault.Contact, error) { return vaultContacts(ctx, a, rights) },
		Holder:   func(id core.MemberID) holder.Holder { return holder.NewRemote(a.Peer, a.Book, id) },
		Words:    a.Lang, Now: time.Now, Log: a.Log,
		Config: vault.Config{Floor: a.Config.Node.Floor, Spool: cfg.Spool, Cache: cfg.Cache, Tools: a.Config.Tools.Listen},
	})
	if err != nil {
		return nil, fit.Fittings{}, err
	}
	f := v.Fittings()
	f.Checks = append(a.company().Checks(fit.Check{Name: "app.check_promises", Run: func(ctx context.Context) (fit.Finding, error) { return v.checkPromises(ctx, a) }}), f.Checks...)
	f.Metrics = func(ctx context.Context) ([]obs.Metric, error) { return v.metrics(ctx, a) }
	return v, f, nil
}

// vaultContacts are all members whose logbook we hold.
func vaultContacts(ctx context.Context, a *App, rights vaultRights) ([]vault.Contact, error) {
	known, err := a.Book.Known(ctx)
	if err != nil {
		return nil, err
	}
	lenders, err := rights.Lenders(ctx, holder.KindStore)
	if err != nil {
		return nil, err
	}
	lend, err := rights.Coming(ctx)
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

// promises are what our pacts let members store here, and how much of it may still come.
func (v vaultRoom) promises(ctx context.Context, a *App) (promised, due core.Size, err error) {
	others, err := a.others(ctx)
	if err != nil {
		return 0, 0, err
	}
	return v.lending.Promised(ctx, others)
}

// checkPromises: what members may still send us by our pacts fits on the disk.
func (v vaultRoom) checkPromises(ctx context.Context, a *App) (fit.Finding, error) {
	promised, due, err := v.promises(ctx, a)
	if err != nil {
		return fit.Finding{}, err
	}
	if promised == 0 {
		return fit.Unknown("app.promises_none", nil), nil
	}
	left, err := datadir.Free(a.storePath())
	if err != nil {
		return fit.Finding{}, err
	}
	said := map[string]any{"Promised": promised, "Due": due, "Free": left, "Floor": a.Config.Node.Floor, "Data": a.storePath()}
	if due > left-a.Config.Node.Floor {
		return fit.Finding{}, &core.Error{
			Code: core.CodeFull, Key: "app.promises_too_large", Args: said, Err: fmt.Errorf("%d bytes may come, %d are free", due, left),
		}
	}
	return fit.Well("app.promises_fit", said), nil
}

func (l *cli) openVault(cmd *cobra.Command) (*vault.Room, *console.Out, error) {
	room, err := openFor[vaultRoom](l, cmd)
	if err != nil {
		return nil, nil, err
	}
	return room.Room, &l.out, nil
}

// rescue makes the node anew for `vault recover`.
func (l *cli) rescue() vault.Rescue {
	r := Rescue{Out: &l.out}
	return vault.Rescue{
		Flags: func(c *cobra.Command) {
			placeFlags(c, &r.Place, l.out.P)
			c.Flags().BoolVar(&r.Replace, "replace-running", false, l.out.P.T("app.flag.replace_running", nil))
		},
		Run: func(cmd *cobra.Command, plea vault.Plea) (*vault.Room, *console.Out, error) {
			if err := datadir.CheckUser(l.data, l.args); err != nil {
				return nil, nil, err
			}
			r.Plea, r.Data = Plea(plea), l.data
			if err := r.Run(cmd.Context(), l.words); err != nil {
				return nil, nil, err
			}
			return l.openVault(cmd)
		},
	}
}
