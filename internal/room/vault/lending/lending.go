package lending

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/holder"
)

// Trust answers what we grant a member now; the trust room is one. CodeDenied is
// nothing.
type Trust interface {
	May(ctx context.Context, who core.MemberID, kind core.GrantKind) (core.Allowance, error)
}

// Heirs answers whom an owner's logbook names to take over something of it: it may read what
// the owner has here though its list of readers did not come before the owner was gone.
type Heirs interface {
	Names(ctx context.Context, owner, member core.MemberID) (bool, error)
}

// Needs is what a Store is made of.
type Needs struct {
	DB  *db.DB    // migrated with migrations.Files
	Dir *blob.Dir // <data>/store
	// Open opens one of its files for reading; nil = Dir does. Tests give a disk that has
	// bad sectors.
	Open   func(name string) (blob.File, error)
	Signer seal.Signer
	Trust  Trust
	Keys   holder.Keys
	// Heirs says who takes over for owners; false while nobody does. Nil = nobody.
	Heirs func() (Heirs, bool)
	// Floor is the free space in bytes that stays free whatever was promised.
	Floor core.Size
	Now   func() time.Time
	Log   *slog.Logger
}

// Store is this node's own store of other members' shards. Safe for concurrent
// use; one process at a time may receive (Start), others may look.
type Store struct {
	n       Needs
	records records
	disk    *disk
	writing *gate
	reading *gate
	paces   paces
	budgets budgets
	unreads unreads
}

// What one owner, and all of them, may have under way at once. A restore reads
// from many threads; an upload costs an fsync.
const (
	writesEach, writesAll = 8, 48
	readsEach, readsAll   = 32, 256
)

// New makes a Store. It touches neither disk nor tables; call Start before it
// receives.
func New(n Needs) *Store {
	return &Store{
		n: n, records: records{db: n.DB}, disk: &disk{dir: n.Dir, opens: n.Open, me: n.Signer.ID(), floor: n.Floor, now: n.Now},
		writing: newGate(writesEach, writesAll), reading: newGate(readsEach, readsAll),
		paces:   paces{by: map[core.MemberID]*rate.Limiter{}},
		budgets: budgets{by: map[core.MemberID]*rate.Limiter{}},
		unreads: unreads{since: map[string]core.Moment{}},
	}
}

// Start gives back what an earlier process had reserved and not received. To be
// called by the one process that serves, before it does.
func (s *Store) Start(ctx context.Context) error {
	if err := s.disk.ready(); err != nil {
		s.n.Log.Error("what is stored for others is not there", "error", err)
	}
	for {
		dead, err := s.records.inState(ctx, stateReserved, holder.MaxPage)
		if err != nil {
			return fmt.Errorf("find dead reservations: %w", err)
		}
		if len(dead) == 0 {
			return nil
		}
		for _, r := range dead {
			if err := s.records.drop(ctx, r.ref(), stateReserved); err != nil {
				return fmt.Errorf("drop dead reservation: %w", err)
			}
		}
	}
}

// Used is how much a member has here, as it counts against its pact.
func (s *Store) Used(ctx context.Context, owner core.MemberID) (core.Size, error) {
	n, err := s.records.used(ctx, owner)
	return core.Size(n), err
}

// For is the store as one member sees it.
func (s *Store) For(who core.MemberID) holder.Holder { return view{s, who} }

func (s *Store) now() core.Moment { return core.At(s.n.Now()) }

func busy(why string) error { return core.Unsure("vault.busy", errors.New(why)) }
