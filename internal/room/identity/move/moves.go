package move

import (
	"context"
	"crypto/ed25519"
	"embed"
	"log/slog"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/home"
)

// Words are this folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Needs is what moves are made of; all of it is required.
type Needs struct {
	DB   *db.DB
	Self core.MemberID
	// Book knows members' keys. Returns CodeNotFound for a stranger.
	Book  Book
	Homes *home.Homes
	Now   func() time.Time
	Log   *slog.Logger
}

// Book is what moves need of the logbooks.
type Book interface {
	KeySet(ctx context.Context, id core.MemberID) (logbook.KeySet, seal.Envelope, error)
}

// Moves lets people go to other homes, takes them in, and follows those who moved. Safe for
// concurrent use.
type Moves struct{ n Needs }

// New makes it.
func New(n Needs) *Moves { return &Moves{n} }

func (m *Moves) now() core.Moment { return core.At(m.n.Now()) }

// keys are a member's keys: those that are good now, or all that ever were. A logged release
// is as old as its entry, so a key that was given up since still counts for it.
func (m *Moves) keys(ctx context.Context, id core.MemberID, ever bool) ([]ed25519.PublicKey, error) {
	set, _, err := m.n.Book.KeySet(ctx, id)
	if err != nil || !ever {
		return set.Good(), err
	}
	all := make([]ed25519.PublicKey, 0, len(set.Keys))
	for _, k := range set.Keys {
		all = append(all, k.Public())
	}
	return all, nil
}
