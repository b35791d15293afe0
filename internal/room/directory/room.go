package directory

import (
	"context"
	"embed"
	"net/http"
	"time"

	"entrechat/internal/room/directory/draft"
)

// Words are the room's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Fetcher gets public documents: it keeps us away from private addresses and from
// redirects into them. peer.Client is one.
type Fetcher interface {
	Fetch(ctx context.Context, rawURL string, limit int64) ([]byte, http.Header, error)
}

// Needs is what the room is made of.
type Needs struct {
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
}

// New makes the room.
func New(n Needs) *Room {
	return &Room{n: n, draft: draft.New(draft.Needs{Fetch: n.Fetch, Now: n.Now, Plain: n.Plain})}
}
