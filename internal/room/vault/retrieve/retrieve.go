package retrieve

import (
	"context"
	"log/slog"
	"time"

	"filippo.io/age"
	"golang.org/x/sync/singleflight"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/pool"
)

// Needs is what a Retriever is made of.
type Needs struct {
	DB      *db.DB
	Store   catalogue.Store
	Pool    *pool.Pool
	Keyring Keyring
	Local   *blob.Dir     // the local store
	Dir     string        // for what is being brought back; the cache's, so that a rename is enough to put it there
	Owner   core.MemberID // us
	// Holder reaches a member's store. What it answers must give up when the context ends.
	Holder func(core.MemberID) holder.Holder
	// LeftOut says that a member is asked nothing.
	LeftOut func(core.MemberID) bool
	Now     func() time.Time
	Log     *slog.Logger
}

// Keyring opens sealed objects.
type Keyring interface {
	Identities(ctx context.Context, o catalogue.Object) ([]age.Identity, error)
}

// Retriever opens files, wherever they lie. Safe for concurrent use.
type Retriever struct {
	Needs

	Parts local.Parts
	Cache *local.Cache // nil in a command: only the node that serves has one, from its start on

	born    time.Time // when this process made it
	flights singleflight.Group
}

// New makes a Retriever.
func New(n Needs) *Retriever {
	return &Retriever{Needs: n, Parts: local.Parts{Dir: n.Dir}, born: n.Now()}
}
