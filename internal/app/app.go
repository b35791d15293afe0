package app

import (
	"context"
	"crypto/ed25519"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entrechat/internal/app/config"
	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

// Words are the house's own sentences.
//
//go:embed words/*.toml
var Words embed.FS

// App is an open node: the running one, or one command beside it.
type App struct {
	Data     string
	Config   config.Config
	Log      *slog.Logger
	DB       *db.DB
	Signer   seal.Signer
	Book     *logbook.Book
	Peer     *peer.Client
	Words    *words.Catalogue
	Lang     *words.Printer // of the person at the terminal
	rooms    []any          // what modules opened, in their order
	fittings []fit.Fittings
	reading  []byte // of a rehearsal: what lets its key read
	alone    bool   // this process holds the lock of the data directory
}

// Open opens the node in a data directory; the caller closes it.
func Open(ctx context.Context, data string, c *words.Catalogue, lang string, log *slog.Logger) (*App, error) {
	return openAs(ctx, &App{Data: data, Log: log, Words: c, Lang: c.Printer(lang)})
}

// openAs opens the node for an App of which only who it is for is set.
func openAs(ctx context.Context, a *App) (*App, error) {
	if err := a.openWith(ctx, datadir.LogKeyName); err != nil {
		return nil, err
	}
	return a, nil
}

// openWith opens the node under one of its keys.
func (a *App) openWith(ctx context.Context, keyName string) (err error) {
	if a.Config, err = config.Load(a.Data, sections()); err != nil {
		return err
	}
	key, err := seal.ReadKeyFile(filepath.Join(a.Data, datadir.SecretsDir, keyName))
	if core.CodeOf(err) == core.CodeNotFound {
		return core.NotFound("app.no_log_key", err).With("Path", filepath.Join(a.Data, datadir.SecretsDir, keyName))
	}
	if err != nil {
		return err
	}
	a.Signer = seal.NewSigner(core.MemberID(a.Config.Node.Origin), key)
	if err := a.open(ctx); err != nil {
		return errors.Join(err, a.Close())
	}
	return nil
}

func (a *App) open(ctx context.Context) (err error) {
	if a.DB, err = db.Open(ctx, a.Config.DatabaseURL(a.Data)); err != nil {
		return a.unopened(err)
	}
	unlock := func() {}
	defer func() { unlock() }()
	a.DB.Guard(func() (err error) {
		unlock, err = a.mayMigrate(unlock)
		return err
	})
	for name, tables := range map[string]fs.FS{"logbook": logbook.Migrations(), "peer": peer.Migrations(), "web": web.Migrations()} {
		if err := db.Migrate(ctx, a.DB, name, tables); err != nil {
			return err
		}
	}
	if a.reading, err = datadir.ReadingKey(a.Data); err != nil {
		return err
	}
	a.Book = logbook.New(logbook.Needs{DB: a.DB, Signer: a.Signer, Now: time.Now, Log: a.Log, Room: a.room})
	a.Peer = peer.NewClient(a.peerNeeds())
	a.Book.Connect(a.Peer)
	if err := a.migrateRooms(ctx); err != nil {
		return err
	}
	if _, err := a.self(ctx); core.CodeOf(err) == core.CodeNotFound {
		return a.checkOrigin(ctx) // init opens the logbook first
	} else if err != nil {
		return err
	}
	return a.openRooms(ctx)
}

// mayMigrate lets the tables change only where no node of an earlier version runs on them:
// it would find its columns gone. The lock is held until the node is open. Returns
// CodeConflict while a node runs.
func (a *App) mayMigrate(before func()) (unlock func(), err error) {
	if a.alone {
		return before, nil
	}
	release, err := datadir.Lock(a.Data)
	if core.CodeOf(err) == core.CodeConflict {
		return before, core.Conflict("app.restart_first", fmt.Errorf("an older program runs: %w", err)).With("Data", a.Data)
	}
	if err != nil {
		return before, err
	}
	a.alone = true
	return func() { a.alone = false; release() }, nil
}

// self is what our logbook says of this node. Returns CodeNotFound while there is none.
func (a *App) self(ctx context.Context) (logbook.Member, error) {
	return a.Book.Member(ctx, a.Signer.ID())
}

// others are the members whose logbook we hold, without ourselves.
func (a *App) others(ctx context.Context) ([]core.MemberID, error) {
	known, err := a.Book.Known(ctx)
	var all []core.MemberID
	for _, m := range known {
		if m.ID != a.Signer.ID() {
			all = append(all, m.ID)
		}
	}
	return all, err
}

// checkOrigin looks, where there is no logbook under the configured origin, for one
// that our key writes: an origin never changes.
func (a *App) checkOrigin(ctx context.Context) error {
	known, err := a.Book.Known(ctx)
	if err != nil {
		return err
	}
	for _, m := range known {
		if keys, err := a.Book.Keys(ctx, m.ID); err == nil && slices.ContainsFunc(keys, func(k ed25519.PublicKey) bool { return k.Equal(a.Signer.Public()) }) {
			return core.Conflict("app.other_origin", fmt.Errorf("the logbook here is that of %s", m.ID)).
				With("Origin", a.Signer.ID()).With("Was", m.ID)
		}
	}
	return nil
}

func (a *App) peerNeeds() peer.Needs {
	return peer.Needs{
		Signer: a.Signer, Keyring: a.Book, Reading: a.reading, Private: a.Config.Peer.Private, Now: time.Now, Log: a.Log,
	}
}

// Close releases the database and idle connections.
func (a *App) Close() error {
	if a.Peer != nil {
		a.Peer.CloseIdle()
	}
	if a.DB == nil {
		return nil
	}
	return a.DB.Close()
}

// unopened says which database could not be opened, and what to do about it.
func (a *App) unopened(err error) error {
	if core.CodeOf(err) != core.CodeUnsure {
		return err
	}
	if cured := datadir.NotOurs(a.Data, err); cured != err { //nolint:errorlint // the same or another
		return cured
	}
	where := a.Config.DatabaseURL(a.Data)
	if path, ok := strings.CutPrefix(where, db.SQLite+":"); ok {
		return core.Unsure("app.database_unopened", err).With("Where", path).With("Detail", err.Error())
	}
	if u, bad := url.Parse(where); bad == nil {
		where = u.Redacted()
	}
	// One line for each address that was tried; the last will do.
	tried := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return core.Unsure("app.database_silent", err).With("Where", where).With("Detail", strings.TrimSpace(tried[len(tried)-1]))
}

// ownKeys are the keys this node ever signed with, revoked or not.
func (a *App) ownKeys(ctx context.Context) ([]ed25519.PublicKey, error) {
	_, keys, err := keysOf(ctx, a.Book, a.Signer.ID())
	return keys, err
}

// keysOf are a member's root key and the keys it ever signed with, revoked or not.
func keysOf(ctx context.Context, book *logbook.Book, id core.MemberID) (core.RootKey, []ed25519.PublicKey, error) {
	set, _, err := book.KeySet(ctx, id)
	out := make([]ed25519.PublicKey, 0, len(set.Keys))
	for _, k := range set.Keys {
		out = append(out, k.Public())
	}
	return set.Root, out, err
}

// readers are the rooms' readers of the logbooks.
func (a *App) readers() []logbook.Reader {
	var all []logbook.Reader
	for _, f := range a.fittings {
		all = append(all, f.Readers...)
	}
	return all
}
