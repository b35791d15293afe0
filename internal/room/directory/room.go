package directory

import (
	"context"
	"embed"
	"log/slog"
	"net/http"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/draft"
	"entrechat/internal/room/directory/imports"
)

// Words are the room's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Fetcher gets public documents: it keeps us away from private addresses and from
// redirects into them. peer.Client is one.
type Fetcher interface {
	imports.Fetcher
	Fetch(ctx context.Context, rawURL string, limit int64) ([]byte, http.Header, error)
}

// Needs is what the room is made of.
type Needs struct {
	Dir   string // folder of our own files; empty where there is no node
	URL   string // where this node is reached, without a slash at its end
	Fetch Fetcher
	Now   func() time.Time
	Log   *slog.Logger
	// DB, Book and Self are of a node: without one, what is said of others is not
	// kept, and nothing of ours is said.
	DB   *db.DB // with migrations.Files applied
	Book Book
	Self core.MemberID
	// Backups are how ours stand; nil = not shown.
	Backups func(ctx context.Context) ([]Backup, error)
	// Plain asks over http: for tests and demos on one machine.
	Plain bool
}

// Book is the logbook as this room uses it.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
	Members(ctx context.Context, ids []core.MemberID) ([]logbook.Member, error)
}

// Room is the directory of one node. Safe for concurrent use.
type Room struct {
	n     Needs
	draft *draft.Reader
	// Imports keeps others' files; nil where there is no node.
	Imports *imports.Importer
	// Catalogue is what every known hoster says; nil where there is no node.
	Catalogue *catalogue.Store
}

// New makes the room.
func New(n Needs) *Room {
	r := &Room{n: n, draft: draft.New(draft.Needs{Fetch: n.Fetch, Now: n.Now, Plain: n.Plain})}
	if n.DB != nil {
		r.Catalogue = catalogue.New(n.DB)
		r.Imports = imports.New(imports.Needs{DB: n.DB, Fetch: n.Fetch, Catalogue: r.Catalogue, Limits: imports.Usual(), Now: n.Now, Log: n.Log})
	}
	return r
}
