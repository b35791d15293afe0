package watch

import (
	"context"
	"embed"
	"log/slog"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
)

// Words are the room's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Book is what this room needs of the logbooks.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
}

// Trust answers who may ask us to look, and who promised to look for us.
type Trust interface {
	May(ctx context.Context, who core.MemberID, kind core.GrantKind) (core.Allowance, error)
	Lenders(ctx context.Context, kind core.GrantKind) ([]core.Lender, error)
}

// Needs is what the room is wired with; all of it is required.
type Needs struct {
	DB     *db.DB
	Signer seal.Signer
	Book   Book
	Trust  Trust
	Now    func() time.Time
	Log    *slog.Logger
}

// Room puts looks, verdicts, incidents, alerts and status pages together. Safe for
// concurrent use.
type Room struct{ Needs }

// New makes the room.
func New(n Needs) *Room { return &Room{n} }

// Fittings is what the house gets of this room.
func (r *Room) Fittings() fit.Fittings { return fit.Fittings{Name: "watch"} }
