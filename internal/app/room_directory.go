package app

import (
	"context"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/app/config"
	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/directory"
	directorytables "entrechat/internal/room/directory/migrations"
)

func directoryModule() module {
	return module{
		name: "directory", words: []fs.FS{directory.Words}, tables: directorytables.Files, group: groupOthers,
		commands: func(l *cli) []*cobra.Command { return directory.Commands(l.out.P, l.openDirectory) },
		open: func(_ context.Context, a *App) (any, fit.Fittings, error) {
			room := directory.New(directoryNeedsOf(a))
			f := room.Fittings()
			f.Host = func(context.Context) (web.Host, bool, error) {
				o, known, err := room.Hoster()
				return web.Host{Name: o.Name, Contact: o.Contact.Email}, known, err
			}
			f.Recovered = func(ctx context.Context) (fit.Finding, error) {
				count, err := room.Reclaim(ctx)
				if err != nil || count == 0 {
					return fit.Finding{}, err
				}
				return fit.Well("app.reclaimed", map[string]any{"Count": count}), nil
			}
			return room, f, nil
		},
	}
}

// openDirectory needs a node only where our own files are meant: what others publish
// can be read before there is one.
func (l *cli) openDirectory(cmd *cobra.Command, node bool) (*directory.Room, *console.Out, error) {
	if node {
		room, err := openFor[*directory.Room](l, cmd)
		return room, &l.out, err
	}
	cfg, err := config.Load(l.data, sections())
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return nil, nil, err
	}
	return directory.New(directoryNeeds(cfg, l.data)), &l.out, nil
}

// directoryNeeds are what the directory needs where there is no node.
func directoryNeeds(cfg config.Config, data string) directory.Needs {
	visitor := peer.NewVisitor(peer.Needs{Private: cfg.Peer.Private, Now: time.Now, Log: quiet()})
	return directory.Needs{
		Dir: filepath.Join(data, "directory"), URL: cfg.Node.URL, Fetch: visitor, Now: time.Now, Plain: cfg.Peer.Private, Log: quiet(),
	}
}

// directoryNeedsOf are what it needs of a node.
func directoryNeedsOf(a *App) directory.Needs {
	n := directoryNeeds(a.Config, a.Data)
	n.DB, n.Log, n.Book, n.Self = a.DB, a.Log, a.Book, a.Signer.ID()
	n.Backups = func(ctx context.Context) ([]directory.Backup, error) {
		if vault, ok := ask[directoryBackups](a); ok {
			return vault.Backups(ctx)
		}
		return nil, nil
	}
	n.Closings = func() (directory.Closings, bool) { return ask[directory.Closings](a) }
	return n
}

// directoryBackups answers how our backups stand, for the page that shows it.
type directoryBackups interface {
	Backups(ctx context.Context) ([]directory.Backup, error)
}
