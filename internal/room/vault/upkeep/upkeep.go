package upkeep

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/recovery"
)

// Lenders says who granted us room once and gives nothing new now.
type Lenders interface {
	Leaving(ctx context.Context, kind core.GrantKind) ([]core.Leaver, error)
}

// Needs is what the upkeep is made of.
type Needs struct {
	DB       *db.DB
	Store    catalogue.Store
	Pool     *pool.Pool
	Recovery *recovery.Recovery
	Lenders  Lenders
	Signer   seal.Signer
	// Holder reaches a member's store.
	Holder func(core.MemberID) holder.Holder
	Work   *local.Signal // told when there may be something to ship
	Now    func() time.Time
	Log    *slog.Logger
}

// Upkeep is that of one node. Safe for concurrent use.
type Upkeep struct {
	n        Needs
	store    catalogue.Store
	pool     *pool.Pool
	recovery *recovery.Recovery

	mu      sync.Mutex
	widened int // for how many failure domains AddReplicasAtReturned last looked
}

// New makes it; nobody is asked yet.
func New(n Needs) *Upkeep { return &Upkeep{n: n, store: n.Store, pool: n.Pool, recovery: n.Recovery} }

// RoomAgain has copies be added for all members again: what was encoded for fewer of them
// meanwhile is given to more.
func (r *Upkeep) RoomAgain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.widened = 0
}
