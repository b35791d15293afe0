package target

import (
	"context"
	"slices"
	"sync"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Known remembers everybody's targets, and which domains are proved, until this or another
// process writes some: each answer asks the database for one number, and reads the rest
// only when that number grew. Safe for concurrent use.
type Known struct {
	db *db.DB

	mu       sync.Mutex
	read     bool
	revision int64 // what is remembered is as new as this, or newer
	all      []Target
	owned    map[core.MemberID][]Target
	proofs   []Proof
}

// NewKnown makes one over a database with the room's migrations applied.
func NewKnown(d *db.DB) *Known { return &Known{db: d} }

// All lists everybody's targets, by owner and service. The slice is the caller's, what its
// elements point to is not. Codes as for db.All.
func (k *Known) All(ctx context.Context) ([]Target, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.fresh(ctx)
	return slices.Clone(k.all), err
}

// Of lists a member's targets, by service, as All does.
func (k *Known) Of(ctx context.Context, owner core.MemberID) ([]Target, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.fresh(ctx)
	return slices.Clone(k.owned[owner]), err
}

// proved lists the domains that were proved; when each was tried last may be old.
func (k *Known) proved(ctx context.Context) ([]Proof, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.fresh(ctx)
	return k.proofs, err // never changed, only replaced
}

// fresh reads what changed; k.mu is held. The number is read before the rest: what is
// written in between is read twice, and never missed. After an error nothing is remembered.
func (k *Known) fresh(ctx context.Context) error {
	n, err := revision(ctx, k.db)
	if err == nil && k.read && n == k.revision {
		return nil
	}
	k.read, k.all, k.owned, k.proofs = false, nil, nil, nil
	if err != nil {
		return err
	}
	all, err := All(ctx, k.db)
	if err != nil {
		return err
	}
	proofs, err := proofs(ctx, k.db)
	if err != nil {
		return err
	}
	k.read, k.revision, k.all, k.proofs = true, n, all, proofs
	k.owned = map[core.MemberID][]Target{}
	for _, t := range all {
		k.owned[t.Owner] = append(k.owned[t.Owner], t)
	}
	return nil
}
