package shipping

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/retrieve"
	"entrechat/internal/room/vault/shard"
)

// Needs is what a Shipper is made of.
type Needs struct {
	DB       *db.DB
	Store    catalogue.Store
	Pool     *pool.Pool
	Retrieve *retrieve.Retriever
	Keyring  Keyring
	Local    *blob.Dir // the local store
	Dir      string    // for what is being encoded
	Spool    *local.Spool
	// Work is told that there is something to ship, Committed that something got off-site.
	Work, Committed *local.Signal
	// Holder reaches a member's store. What it answers must give up when the context ends.
	Holder func(core.MemberID) holder.Holder
	Signer seal.Signer
	Root   core.RootKey
	// Prove has the members prove what they have of an object that was placed again.
	Prove func(ctx context.Context, id shard.Hash) error
	Now   func() time.Time
	Log   *slog.Logger
}

// Keyring seals files and labels.
type Keyring interface {
	Recipients(ctx context.Context, repo string) (to []age.Recipient, own string, err error)
	SealLabel(ctx context.Context, o catalogue.Object) ([]byte, error)
}

// Shipper takes files and places them at the members. Safe for concurrent use.
type Shipper struct {
	Needs

	// RecodeAfter and LateLeast are the constants of these names but in tests.
	RecodeAfter int
	LateLeast   time.Duration

	fails atomic.Int32 // objects in a row that could not be worked on

	mu      sync.Mutex
	claimed map[shard.Hash]bool // objects somebody ships
}

// New makes a Shipper; Run ships.
func New(n Needs) *Shipper {
	return &Shipper{Needs: n, RecodeAfter: RecodeAfter, LateLeast: LateLeast, claimed: map[shard.Hash]bool{}}
}

// Begin is the shipment of an object of which these placements count.
func (r *Shipper) Begin(o catalogue.Object, stored []catalogue.Placement) *Shipment {
	return &Shipment{by: r, Object: o, Stored: stored, began: r.Now()}
}
