package directory

import (
	"context"
	"embed"
	"log/slog"
	"net/http"
	"time"

	"entrechat/internal/kit/db"
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
	DB    *db.DB // nil where there is no node
	Log   *slog.Logger
	Dir   string // folder of our own files; empty where there is no node
	URL   string // where this node is reached, without a slash at its end
	Fetch Fetcher
	Now   func() time.Time
	// Plain asks over http: for tests and demos on one machine.
	Plain bool
}

// Room is the directory of one node. Safe for concurrent use.
type Room struct {
	n     Needs
	draft *draft.Reader
	// Imports keeps others' files; nil where there is no node.
	Imports *imports.Importer
}

// New makes the room.
func New(n Needs) *Room {
	r := &Room{n: n, draft: draft.New(draft.Needs{Fetch: n.Fetch, Now: n.Now, Plain: n.Plain})}
	if n.DB != nil {
		r.Imports = imports.New(imports.Needs{DB: n.DB, Fetch: n.Fetch, Limits: imports.Usual(), Now: n.Now, Log: n.Log})
	}
	return r
}
